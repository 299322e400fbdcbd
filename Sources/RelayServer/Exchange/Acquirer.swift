// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore

/// Brings committed contents into the store, from their authors or whoever has them.
struct Acquirer: Sendable {
    let session: ShareSession
    let exchange: ContentExchange
    let queue: AcquisitionQueue
    let credit: ByteCredit
    let limit: StoreLimit
    let gate: StoreGate
    let verifier: StoreVerifier
    let bases: KnownChunkFinder
    let logger: Logger

    /// How many contents are brought at a time.
    private static let parallel = 4
    /// How many chunks are looked up, and wanted, at a time.
    private static let sliceChunks = 256

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sweepOnRequest() }
            group.addTask { await self.retry() }
            for _ in 0..<Self.parallel { group.addTask { await self.work() } }
        }
    }

    private func work() async {
        while !Task.isCancelled {
            await gate.waitUntilOpen()
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
            if gate.isOpen, let segments = await session.segments {
                exchange.setRoom(limit.room(in: segments))
            }
            queue.resumeParked()
        }
    }

    private func sweepOnRequest() async {
        while let sweep = await queue.takeSweep() { await run(sweep) }
    }

    /// Finds what is missing of the share's current contents.
    private func run(_ sweep: AcquisitionQueue.Sweep) async {
        var position = sweep.after
        while !Task.isCancelled {
            guard let page = await session.incomplete(after: position) else { return }
            if page.through == position { return queue.finish(sweep) }
            for acquisition in page.incomplete { queue.add(acquisition) }
            position = page.through
            await Task.yield()
        }
    }

    private func acquire(_ acquisition: Acquisition) async {
        let content = acquisition.content
        switch await bring(acquisition) {
        case .parked(let arrivals):
            queue.park(acquisition)
            // A device may have come online in between.
            if exchange.arrivals != arrivals { queue.resumeParked() }
        case .done(let chunks):
            queue.finish(acquisition, isStored: true)
            guard chunks > 0 else { return }
            logger.info(
                "content stored",
                metadata: [
                    "content": "\(content)", "bytes": "\(acquisition.sizeBytes)", "chunks": "\(chunks)",
                ])
        case .noRoom:
            queue.finish(acquisition, isStored: false)
            // While the gate is closed the reason is known, and what is missing is swept up afterwards.
            guard gate.isOpen else { return }
            logger.info(
                "content not kept, the store is full",
                metadata: ["content": "\(content)", "bytes": "\(acquisition.sizeBytes)"])
        case .cancelled:
            queue.finish(acquisition, isStored: false)
        }
    }

    private enum Outcome {
        case done(chunks: Int)
        case parked(arrivals: UInt64)
        case noRoom
        case cancelled
    }

    private func bring(_ acquisition: Acquisition) async -> Outcome {
        let content = acquisition.content
        guard let access = await session.access(content) else { return .cancelled }
        let manifest: Manifest
        if let known = access.manifest {
            manifest = known
        } else {
            let outcome = await exchange.manifest(
                content, authors: access.authors, knowing: access.former, for: .store)
            switch outcome {
            case .manifest(let found):
                // To the devices a list is good that could not be remembered; what is stored needs it.
                guard await session.keep(found, for: content) else { return .noRoom }
                manifest = found
            case .nobody(let nobody): return .parked(arrivals: nobody.arrivals)
            case .cancelled: return .cancelled
            }
        }
        var brought = 0
        var wants = ContentWants(manifest)
        let former = await session.formerManifest(of: content)
        // What the content that this one replaced had, nobody offers anew.
        let formerChunks = Set(former?.manifest.chunks.map(\.id) ?? [])
        while let slice = wants.next(limit: Self.sliceChunks) {
            guard !Task.isCancelled else { return .cancelled }
            var missing = await session.missing(slice.map(\.chunk))
            if acquisition.isNew {
                let offered = slice.map(\.chunk).filter {
                    !missing.contains($0.id) && !formerChunks.contains($0.id)
                }
                missing.formUnion(await verifier.damaged(offered))
            }
            var asked: Set<ChunkID> = []
            let lacking = slice.filter { missing.contains($0.chunk.id) && asked.insert($0.chunk.id).inserted }
            guard !lacking.isEmpty else { continue }
            guard await hasRoom(for: lacking) else { return .noRoom }
            brought += lacking.count
            let found = await bases.find(for: lacking, of: manifest, since: former)
            let sources = lacking.map { want in
                ChunkSource(
                    content: content, want: want, authors: access.authors, base: found[want.index])
            }
            let outcome = await bring(sources)
            guard case .done = outcome else { return outcome }
        }
        return .done(chunks: brought)
    }

    /// Whether at least one of the chunks can be kept, so that it is worth asking for them.
    private func hasRoom(for wants: [ChunkWant]) async -> Bool {
        guard gate.isOpen, let segments = await session.segments else { return false }
        guard let room = limit.room(in: segments) else { return true }
        return wants.contains { UInt64($0.chunk.sizeBytes) <= room }
    }

    private func bring(_ sources: [ChunkSource]) async -> Outcome {
        await withTaskGroup(of: ChunkOutcome.self) { group in
            for source in sources {
                group.addTask {
                    let bytes = Int(source.want.chunk.sizeBytes)
                    guard await credit.take(bytes) else { return .cancelled }
                    defer { credit.giveBack(bytes) }
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
            return .done(chunks: sources.count)
        }
    }
}
