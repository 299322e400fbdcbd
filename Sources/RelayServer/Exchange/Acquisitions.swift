// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import Synchronization

/// A content that was committed and that the hub does not hold whole.
struct Acquisition: Hashable, Sendable {
    var content: ContentID
    var sizeBytes: UInt64
}

/// The contents that are to be brought into the store.
///
/// Nothing of it is kept on disk: what is missing is seen from the index, by a sweep at the start.
final class AcquisitionQueue: Sendable {
    private struct State {
        var known: Set<ContentID> = []
        /// Those that nobody online has.
        var parked: [ContentID: Acquisition] = [:]
    }

    let ready = Mailbox<Acquisition>(limitBytes: .max)
    private let state = Mutex(State())

    /// The most contents that are remembered; those beyond are found by a later sweep.
    private static let limit = 100_000

    /// Asks for a content to be brought, unless that is under way.
    func add(_ acquisition: Acquisition) {
        let isNew = state.withLock { state in
            if state.parked.removeValue(forKey: acquisition.content) != nil { return true }
            return state.known.count < Self.limit && state.known.insert(acquisition.content).inserted
        }
        if isNew { ready.put(acquisition) }
    }

    func finish(_ acquisition: Acquisition) {
        state.withLock { _ = $0.known.remove(acquisition.content) }
    }

    /// Sets a content aside until a device comes online.
    func park(_ acquisition: Acquisition) {
        state.withLock { $0.parked[acquisition.content] = acquisition }
    }

    func resumeParked() {
        let parked = state.withLock { state in
            defer { state.parked = [:] }
            return state.parked.values
        }
        for acquisition in parked { ready.put(acquisition) }
    }
}

/// Brings committed contents into the store, from their authors or whoever has them.
struct Acquirer: Sendable {
    let session: ShareSession
    let exchange: ContentExchange
    let queue: AcquisitionQueue
    let credit: ByteCredit
    let limit: StoreLimit
    let logger: Logger

    /// How many contents are brought at a time.
    private static let parallel = 4
    /// How many chunks are looked up, and wanted, at a time.
    private static let sliceChunks = 256

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sweep() }
            group.addTask { await self.retry() }
            for _ in 0..<Self.parallel { group.addTask { await self.work() } }
        }
    }

    private func work() async {
        while !Task.isCancelled {
            guard let next = await queue.ready.take(limitBytes: 0, limit: 1).first?.element else { return }
            await acquire(next)
        }
    }

    /// Tries again whenever a device comes online, and now and then besides.
    private func retry() async {
        var seen: UInt64 = 0
        while !Task.isCancelled {
            await exchange.waitForHolder(after: seen, atMostMilliseconds: 60_000)
            seen = exchange.arrivals
            if let segments = await session.segments { exchange.setRoom(limit.room(in: segments)) }
            queue.resumeParked()
        }
    }

    /// Finds what is missing of the share's current contents.
    private func sweep() async {
        var position = Revision.zero
        while !Task.isCancelled {
            guard let page = await session.incomplete(after: position) else { return }
            for acquisition in page.incomplete { queue.add(acquisition) }
            position = page.through
            await Task.yield()
        }
    }

    private func acquire(_ acquisition: Acquisition) async {
        let content = acquisition.content
        switch await bring(content) {
        case .parked(let arrivals):
            queue.park(acquisition)
            // A device may have come online in between.
            if exchange.arrivals != arrivals { queue.resumeParked() }
        case .done(let chunks):
            queue.finish(acquisition)
            guard chunks > 0 else { return }
            logger.info(
                "content stored",
                metadata: [
                    "content": "\(content)", "bytes": "\(acquisition.sizeBytes)", "chunks": "\(chunks)",
                ])
        case .noRoom:
            queue.finish(acquisition)
            logger.info(
                "content not kept, the store is full",
                metadata: ["content": "\(content)", "bytes": "\(acquisition.sizeBytes)"])
        case .cancelled:
            queue.finish(acquisition)
        }
    }

    private enum Outcome {
        case done(chunks: Int)
        case parked(arrivals: UInt64)
        case noRoom
        case cancelled
    }

    private func bring(_ content: ContentID) async -> Outcome {
        guard let access = await session.access(content) else { return .cancelled }
        let manifest: Manifest
        if let known = access.manifest {
            manifest = known
        } else {
            switch await exchange.manifest(content, authors: access.authors, for: .store) {
            case .manifest(let found): manifest = found
            case .nobody(let nobody): return .parked(arrivals: nobody.arrivals)
            case .cancelled: return .cancelled
            }
        }
        var brought = 0
        var wants = ContentWants(manifest)
        while let slice = wants.next(limit: Self.sliceChunks) {
            guard !Task.isCancelled else { return .cancelled }
            let missing = await session.missing(slice.map(\.chunk))
            var asked: Set<ChunkID> = []
            let lacking = slice.filter { missing.contains($0.chunk.id) && asked.insert($0.chunk.id).inserted }
            guard !lacking.isEmpty else { continue }
            brought += lacking.count
            let outcome = await bring(lacking, of: content, authors: access.authors)
            guard case .done = outcome else { return outcome }
        }
        return .done(chunks: brought)
    }

    private func bring(
        _ wants: [ChunkWant], of content: ContentID, authors: [DeviceID]
    ) async -> Outcome {
        await withTaskGroup(of: ChunkOutcome.self) { group in
            for want in wants {
                group.addTask {
                    let bytes = Int(want.chunk.sizeBytes)
                    guard await credit.take(bytes) else { return .cancelled }
                    defer { credit.giveBack(bytes) }
                    let source = ChunkSource(content: content, want: want, authors: authors)
                    return await exchange.chunk(source, for: .store)
                }
            }
            for await outcome in group {
                let failure: Outcome
                switch outcome {
                case .stored, .chunk: continue
                case .notKept: failure = .noRoom
                case .nobody(let nobody): failure = .parked(arrivals: nobody.arrivals)
                case .cancelled: failure = .cancelled
                }
                group.cancelAll()
                return failure
            }
            return .done(chunks: wants.count)
        }
    }
}
