// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayContent
import RelayCore
import RelayStorage

/// Answers what devices ask for: from the store, and what the store lacks through the exchange.
///
/// Access is by share and reference: a content must be one of the share's versions, and a chunk must stand in
/// that content's chunk list where the device says that it does.
struct ContentService: Sendable {
    let session: ShareSession
    let exchange: ContentExchange
    let roll: MemberRoll
    /// Where stored chunks are read.
    let readers: LanePool
    let bases: KnownChunkFinder
    let logger: Logger

    /// How many chunks of a chunk list are sent in one message.
    private static let manifestPart = 4096
    /// How many wants are looked up at a time.
    private static let sliceWants = 64
    /// How many chunks of one request are brought through the exchange at a time.
    private static let parallelMisses = 256

    // MARK: Chunk lists

    /// `known`: a content whose chunk list the device has, as it says.
    func sendManifest(
        _ content: ContentID, knowing known: ContentID?, as request: UInt32, to link: BulkLink
    ) async {
        guard let access = await session.access(content) else {
            link.send(.unavailable(request: request, index: nil, .unknown))
            return
        }
        let patience = Patience(request: request, link: link, exchange: exchange, roll: roll)
        guard let manifest = await manifest(content, access, patience) else { return }
        var former: Manifest?
        if let known { former = await session.manifest(of: known) }
        for message in manifest.messages(request: request, knowing: former, limit: Self.manifestPart) {
            var bytes = Manifest.encodedChunkBytes
            if case .manifest(_, _, _, let part) = message { bytes *= part.count }
            guard await link.credit.take(bytes) else { return }
            link.send(message, bytes: bytes)
        }
    }

    /// The chunk list, from a holder if the index lacks it; nil when the device was told that it cannot be
    /// had, or the request was cancelled.
    private func manifest(
        _ content: ContentID, _ access: ContentAccess, _ patience: Patience
    ) async -> Manifest? {
        if let manifest = access.manifest { return manifest }
        logger.info(
            "missing chunk list asked for",
            metadata: ["content": "\(content)", "device": "\(patience.link.device.short)"])
        while !Task.isCancelled {
            let outcome = await exchange.manifest(
                content, authors: access.authors, knowing: access.former,
                for: .device(patience.link.device))
            switch outcome {
            case .manifest(let manifest): return manifest
            case .cancelled: return nil
            case .nobody(let nobody):
                guard await patience.wait(nobody, authors: access.authors, index: nil) else { return nil }
            }
        }
        return nil
    }

    // MARK: Chunks

    func sendChunks(
        _ wants: [ChunkWant], of content: ContentID, as request: UInt32, to link: BulkLink
    ) async {
        guard wants.count <= ChunkWant.limit, let access = await session.access(content) else {
            link.send(.unavailable(request: request, index: nil, .unknown))
            return
        }
        let patience = Patience(request: request, link: link, exchange: exchange, roll: roll)
        guard let manifest = await manifest(content, access, patience) else { return }
        let (right, wrong) = ContentWants.check(wants, manifest)
        for index in wrong { link.send(.unavailable(request: request, index: index, .unknown)) }
        let relayed = await send(right, of: content, manifest, access, patience)
        guard relayed.chunks > 0 else { return }
        // A large content comes in many requests: one line tells of it, the details are for those who look.
        logger.log(
            level: link.isFirstRelay(of: content) ? .info : .debug, "miss relayed",
            metadata: [
                "content": "\(content)", "device": "\(link.device.short)", "chunks": "\(relayed.chunks)",
                "bytes": "\(relayed.bytes)",
            ])
    }

    private typealias Relayed = (chunks: Int, bytes: Int)

    /// Sends the stored ones in order, and the others as they come in between.
    private func send(
        _ wants: [ChunkWant], of content: ContentID, _ manifest: Manifest, _ access: ContentAccess,
        _ patience: Patience
    ) async -> Relayed {
        await withTaskGroup(of: Int?.self) { group in
            var relayed: Relayed = (0, 0)
            var running = 0
            func note(_ bytes: Int?) {
                running -= 1
                guard let bytes else { return }
                relayed.chunks += 1
                relayed.bytes += bytes
            }
            var rest = wants[...]
            while !rest.isEmpty, !Task.isCancelled {
                let slice = rest.prefix(Self.sliceWants)
                rest = rest.dropFirst(Self.sliceWants)
                let locations = await session.locations(slice.map(\.chunk.id))
                let misses = await sendStored(slice, locations, access, patience)
                // A device that tells of a base wants a small change: the author may tell it in the same way.
                let isSmallChange = misses.contains { !$0.signature.isEmpty }
                let former = isSmallChange ? await session.formerManifest(of: content) : nil
                let found = await bases.find(for: misses, of: manifest, since: former)
                for want in misses {
                    while running >= Self.parallelMisses, let bytes = await group.next() { note(bytes) }
                    running += 1
                    group.addTask {
                        let source = ChunkSource(
                            content: content, want: want, authors: access.authors, base: found[want.index])
                        return await relay(source, access, patience) ? Int(want.chunk.sizeBytes) : nil
                    }
                }
            }
            for await bytes in group { note(bytes) }
            return relayed
        }
    }

    /// Sends those of the wants that are stored; returns the others, and those that cannot be read.
    private func sendStored(
        _ wants: ArraySlice<ChunkWant>, _ locations: [ChunkID: ChunkLocation], _ access: ContentAccess,
        _ patience: Patience
    ) async -> [ChunkWant] {
        var misses: [ChunkWant] = []
        var batch: [(ChunkWant, ChunkLocation)] = []
        var batchBytes = 0
        for want in wants {
            guard let location = locations[want.chunk.id] else {
                misses.append(want)
                continue
            }
            batch.append((want, location))
            batchBytes += Int(want.chunk.sizeBytes)
            if batchBytes >= Self.readBytes {
                misses += await send(batch, bytes: batchBytes, access, patience)
                batch = []
                batchBytes = 0
            }
        }
        if !batch.isEmpty { misses += await send(batch, bytes: batchBytes, access, patience) }
        return misses
    }

    private static let refusalPause = Duration.milliseconds(500)
    /// How much is read from the store at a time, in bytes before compression.
    private static let readBytes = 512 << 10

    /// Reads chunks and sends them; returns those that cannot be read.
    private func send(
        _ batch: [(ChunkWant, ChunkLocation)], bytes: Int, _ access: ContentAccess, _ patience: Patience
    ) async -> [ChunkWant] {
        let link = patience.link
        guard await link.credit.take(bytes) else { return [] }
        let results = await readers.lane(link.id.number).run {
            batch.map { want, location in
                Result { () throws(StateError) in
                    try access.segments.read(location, expecting: want.chunk.id)
                }
            }
        }
        var failed: [ChunkWant] = []
        var refusal: (chunk: ChunkID, error: StateError)?
        for ((want, location), result) in zip(batch, results) {
            switch result {
            case .success(let chunk):
                link.send(
                    ChunkDelta.answer(to: want, request: patience.request, chunk),
                    bytes: Int(want.chunk.sizeBytes))
            case .failure(let error):
                link.credit.giveBack(Int(want.chunk.sizeBytes))
                failed.append(want)
                let damaged = DamagedChunk(
                    chunk: want.chunk.id, location: location, content: access.content)
                guard error.isDamaged else {
                    refusal = (want.chunk.id, error)
                    continue
                }
                if case .impossible = await session.quarantine(damaged, error) {
                    refusal = (want.chunk.id, error)
                }
            }
        }
        if let refusal {
            // What disk or system refuse for now is none the worse; to ask on at once would not help.
            logger.error(
                "cannot read stored chunks",
                metadata: ["chunk": "\(refusal.chunk)", "error": "\(refusal.error)"])
            try? await Task.sleep(for: Self.refusalPause)
        }
        return failed
    }

    /// Brings a chunk through the exchange; false when it came from the store after all, or not at all.
    private func relay(_ source: ChunkSource, _ access: ContentAccess, _ patience: Patience) async -> Bool {
        let link = patience.link
        let bytes = Int(source.want.chunk.sizeBytes)
        while await link.credit.take(bytes) {
            let outcome = await exchange.chunk(source, for: .device(link.device))
            if case .chunk(let chunk) = outcome {
                link.send(
                    ChunkDelta.answer(to: source.want, request: patience.request, chunk), bytes: bytes)
                return true
            }
            link.credit.giveBack(bytes)
            switch outcome {
            case .chunk, .notKept, .cancelled: return false
            case .stored:
                let locations = await session.locations([source.want.chunk.id])
                let misses = await sendStored([source.want], locations, access, patience)
                if misses.isEmpty { return false }
            case .nobody(let nobody):
                let mayGoOn = await patience.wait(
                    nobody, authors: source.authors, index: source.want.index)
                guard mayGoOn else { return false }
            }
        }
        return false
    }
}
