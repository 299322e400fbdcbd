// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage

/// Stores the chunks that an exchange hands over: several with one write and one sync, then their locations
/// with one transaction. A store that fails is left alone until it takes chunks again.
struct ChunkKeeper: Sendable {
    let session: ShareSession
    let exchange: ContentExchange
    let queue: AcquisitionQueue
    let lane: Lane
    let limit: StoreLimit
    let gate: StoreGate
    let verifier: StoreVerifier

    /// The most that is written with one sync.
    private static let groupBytes = 4 << 20

    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.keepAll() }
            group.addTask { await self.watchGate() }
        }
    }

    private func keepAll() async {
        while !Task.isCancelled {
            let group = await exchange.keeping.take(limitBytes: Self.groupBytes).map(\.element)
            guard !group.isEmpty else { return }
            await keep(group)
        }
    }

    private func watchGate() async {
        await gate.run { bytes throws(StateError) in
            guard let segments = await session.segments else { return }
            try await lane.run { () throws(StateError) in try segments.probe(bytes: bytes) }
            try await session.probe()
        } opened: {
            if let segments = await session.segments { exchange.setRoom(limit.room(in: segments)) }
            // A disk that was gone for a while may have looked damaged.
            await verifier.lookAgain(isGentle: false)
            queue.requestSweep()
        }
    }

    private func keep(_ group: [(ChunkID, EncodedChunk)]) async {
        guard gate.isOpen, let segments = await session.segments else {
            exchange.settled(group.map(\.0), isKept: false, roomBytes: 0)
            return
        }
        do throws(StateError) {
            var kept = try await lane.run { () throws(StateError) in try Self.store(group, in: segments) }
            if !kept.isEmpty {
                Failpoint.chunksKept.reach()
                kept = try await session.keep(kept)
                Failpoint.chunksIndexed.reach()
                gate.noteStored()
            }
            let ids = Set(kept.map(\.0))
            exchange.settled(
                group.map(\.0).filter(ids.contains), isKept: true, roomBytes: limit.room(in: segments))
            let rest = group.map(\.0).filter { !ids.contains($0) }
            if !rest.isEmpty { exchange.settled(rest, isKept: false, roomBytes: 0) }
        } catch {
            gate.close(error, bytes: group.reduce(0) { $0 + $1.1.bytes.count })
            exchange.settled(group.map(\.0), isKept: false, roomBytes: 0)
            if error.isDamaged { await session.fail(error) }
        }
    }

    /// Stores as many as there is room for under the limit; they are on disk when it returns.
    private static func store(
        _ group: [(ChunkID, EncodedChunk)], in segments: SegmentStore
    ) throws(StateError) -> [(ChunkID, ChunkLocation)] {
        if let locations = try segments.store(group) { return Array(zip(group.map(\.0), locations)) }
        var kept: [(ChunkID, ChunkLocation)] = []
        for chunk in group {
            guard let location = try segments.store([chunk])?.first else { break }
            kept.append((chunk.0, location))
        }
        return kept
    }
}

/// How much a store may hold.
struct StoreLimit: Sendable {
    /// Nil: no limit.
    let bytes: UInt64?

    /// What the store still takes; nil: no limit.
    func room(in segments: SegmentStore) -> UInt64? { bytes.map { $0 - min($0, segments.usedBytes) } }
}
