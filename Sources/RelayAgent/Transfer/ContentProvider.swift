// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayFolder
import RelayWire
import Synchronization

/// Answers the hub's requests for contents that files of the folder hold.
///
/// A file that is as it was when its content was read has that content: its chunks were hashed then, and the
/// hub hashes what it gets. Who asks for a chunk once more may have got something else, and is told nothing
/// that was not hashed. A file that turns out to hold something else than was known of it is hinted at, so
/// that it is looked at again. Requests take turns, so that a small one does not wait until a large one is
/// through.
final class ContentProvider: Sendable {
    /// What is left to do of one request.
    enum Ask: Sendable {
        case manifest(request: UInt32, ContentID, known: ContentID? = nil)
        case chunks(request: UInt32, ContentID, ArraySlice<ChunkWant>)

        var request: UInt32 {
            switch self {
            case .manifest(let request, _, _), .chunks(let request, _, _): request
            }
        }
    }

    private let sources: SourceCache
    private let pool: BlockingPool
    private let served = ServedChunks()
    private let knownManifest: @Sendable (ContentID) async -> Manifest?

    /// `knownManifest` gives the chunk lists that are at hand, whatever the folder holds.
    init(
        sources: SourceCache, pool: BlockingPool,
        knownManifest: @escaping @Sendable (ContentID) async -> Manifest?
    ) {
        self.sources = sources
        self.pool = pool
        self.knownManifest = knownManifest
    }

    /// Answers on one connection until it fails or the task is cancelled.
    func serve(_ asks: AskQueue, on connection: Bulk) async {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<TransferLimits.servings {
                group.addTask { [self] in await answer(asks, on: connection) }
            }
            // Who cannot send any more ends; the others follow.
            await group.next()
            group.cancelAll()
        }
    }

    private func answer(_ asks: AskQueue, on connection: Bulk) async {
        while let ask = await asks.next() {
            let answers: [BulkMessage]
            switch ask {
            case .manifest(let request, let content, let known):
                answers = await manifest(request, content, known)
            case .chunks(let request, let content, let wants):
                let slice = Self.slice(of: wants)
                answers = await chunks(request, content, slice)
                let rest = wants[slice.endIndex...]
                if rest.isEmpty || answers.isFinal {
                    asks.finish(ask)
                } else {
                    asks.putBack(.chunks(request: request, content, rest))
                }
            }
            if case .manifest = ask { asks.finish(ask) }
            do {
                try await connection.send(answers)
            } catch {
                return
            }
        }
    }

    private static func slice(of wants: ArraySlice<ChunkWant>) -> ArraySlice<ChunkWant> {
        var bytes = 0
        var end = wants.startIndex
        while end < wants.endIndex, end - wants.startIndex < TransferLimits.servingChunks,
            bytes < TransferLimits.servingBytes
        {
            bytes += Int(wants[end].chunk.sizeBytes)
            end += 1
        }
        return wants[..<end]
    }

    // Chunks.

    private func chunks(
        _ request: UInt32, _ content: ContentID, _ wants: ArraySlice<ChunkWant>
    ) async -> [BulkMessage] {
        let source: OpenSource
        switch await sources.source(of: content) {
        case .open(let found): source = found
        case .notHeld: return [.unavailable(request: request, index: nil, .notHeld)]
        case .changed: return [.unavailable(request: request, index: nil, .busy)]
        }
        let verified = served.note(content, wants.map(\.index))
        var answers: [BulkMessage] = await pool.run {
            wants.map { want in
                guard let chunk = Self.read(want, from: source, isVerified: verified.contains(want.index))
                else { return .unavailable(request: request, index: want.index, .busy) }
                return ChunkDelta.answer(to: want, request: request, chunk)
            }
        }
        if !source.file.isUnchanged() {
            answers = wants.map { .unavailable(request: request, index: $0.index, .busy) }
        }
        if answers.contains(where: \.isUnavailable) { sources.drop(content, isChanged: true) }
        return answers
    }

    private static func read(
        _ want: ChunkWant, from source: OpenSource, isVerified: Bool
    ) -> EncodedChunk? {
        let count = Int(want.chunk.sizeBytes)
        let (end, isOverflow) = want.offset.addingReportingOverflow(UInt64(count))
        guard count > 0, count <= ContentLimits.chunkBytes, !isOverflow, end <= source.sizeBytes,
            let bytes = try? source.file.read(at: want.offset, count: count), bytes.count == count,
            !isVerified || Hashing.chunkID(of: bytes) == want.chunk.id
        else { return nil }
        return ChunkCodec.encode(bytes)
    }

    // Chunk lists.

    private func manifest(
        _ request: UInt32, _ content: ContentID, _ known: ContentID?
    ) async -> [BulkMessage] {
        let source: OpenSource
        switch await sources.source(of: content) {
        case .open(let found): source = found
        case .notHeld: return [.unavailable(request: request, index: nil, .notHeld)]
        case .changed: return [.unavailable(request: request, index: nil, .busy)]
        }
        guard let manifest = await readManifest(of: content, from: source) else {
            sources.drop(content, isChanged: true)
            return [.unavailable(request: request, index: nil, .busy)]
        }
        var former: Manifest?
        if let known { former = await knownManifest(known) }
        return Array(
            manifest.messages(request: request, knowing: former, limit: TransferLimits.manifestPart))
    }

    /// The content's chunk list as it is known, or as the file has it.
    private func readManifest(of content: ContentID, from source: OpenSource) async -> Manifest? {
        if let manifest = source.manifest { return manifest }
        var builder = ContentBuilder()
        var start: UInt64 = 0
        while start < source.sizeBytes {
            if Task.isCancelled { return nil }
            let (at, count) = (start, min(source.sizeBytes - start, TransferLimits.sliceBytes))
            let current = builder
            builder = ContentBuilder()
            let next: ContentBuilder? = await pool.run {
                guard let bytes = try? source.file.read(at: at, count: Int(count)), bytes.count == count
                else { return nil }
                var builder = current
                builder.append(bytes)
                return builder
            }
            guard let next else { return nil }
            builder = next
            start += count
        }
        let description = builder.finish()
        return description.content == content ? description.manifest : nil
    }
}

extension BulkMessage {
    fileprivate var isUnavailable: Bool {
        if case .unavailable = self { true } else { false }
    }
}

extension [BulkMessage] {
    /// Whether the answers end their request, whatever was left of it.
    fileprivate var isFinal: Bool {
        contains { message in
            if case .unavailable(_, nil, _) = message { true } else { false }
        }
    }
}
