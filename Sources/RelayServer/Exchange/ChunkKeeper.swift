// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage

/// Stores the chunks that an exchange hands over: several with one write and one sync, then their locations
/// with one transaction.
struct ChunkKeeper: Sendable {
    let session: ShareSession
    let exchange: ContentExchange
    let lane: Lane
    let limit: StoreLimit
    let logger: Logger

    /// The most that is written with one sync.
    private static let groupBytes = 4 << 20

    func run() async {
        while !Task.isCancelled {
            let group = await exchange.keeping.take(limitBytes: Self.groupBytes).map(\.element)
            guard !group.isEmpty else { return }
            await keep(group)
        }
    }

    private func keep(_ group: [(ChunkID, EncodedChunk)]) async {
        guard let segments = await session.segments else {
            exchange.settled(group.map(\.0), isKept: false, roomBytes: 0)
            return
        }
        let logger = logger
        do {
            let kept = try await lane.run { () throws(StateError) in
                try Self.append(group, to: segments, logger)
            }
            if !kept.isEmpty {
                Failpoint.chunksKept.reach()
                try await session.keep(kept)
            }
            let ids = Set(kept.map(\.0))
            exchange.settled(
                group.map(\.0).filter(ids.contains), isKept: true, roomBytes: limit.room(in: segments))
            let rest = group.map(\.0).filter { !ids.contains($0) }
            if !rest.isEmpty { exchange.settled(rest, isKept: false, roomBytes: 0) }
        } catch {
            exchange.settled(group.map(\.0), isKept: false, roomBytes: 0)
            await session.fail(error)
        }
    }

    /// Appends as many as there is room for; they are on disk when it returns. A disk that takes no more is
    /// no room, whereas a sync that fails is an error.
    private static func append(
        _ group: [(ChunkID, EncodedChunk)], to segments: SegmentStore, _ logger: Logger
    ) throws(StateError) -> [(ChunkID, ChunkLocation)] {
        var kept: [(ChunkID, ChunkLocation)] = []
        do {
            if let locations = try segments.append(group) {
                kept = Array(zip(group.map(\.0), locations))
            } else {
                for chunk in group {
                    guard let location = try segments.append([chunk])?.first else { break }
                    kept.append((chunk.0, location))
                }
            }
        } catch {
            logger.error("cannot store chunks", metadata: ["error": "\(error)"])
        }
        if !kept.isEmpty { try segments.sync() }
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
