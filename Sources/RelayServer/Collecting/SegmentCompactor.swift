// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayContent
import RelayCore
import RelayStorage

/// Gives room back that dead chunks take: copies what is left of a segment, verified, behind the others, has
/// the index say so, and removes the segment's file.
///
/// Whoever reads from the old place meanwhile has its file open, or finds out from the index that the chunk
/// lies elsewhere. A segment with damaged chunks of which there is no whole copy is left as it is.
struct SegmentCompactor: Sendable {
    let session: ShareSession
    let exchange: ContentExchange
    let queue: AcquisitionQueue
    let gate: StoreGate
    let lane: Lane
    let limit: StoreLimit
    let logger: Logger

    /// What is copied at a time, in chunks.
    private static let sliceChunks = 64
    /// So many dead bytes are worth the work, if they are at least half of the segment.
    private static let leastDeadBytes: UInt64 = 1 << 20

    private typealias Copy = (chunk: ChunkID, from: ChunkLocation, to: ChunkLocation)

    /// What became of one run.
    struct Outcome {
        /// How many bytes were given back.
        var freedBytes: UInt64 = 0
        /// Whether another run may give more back: where a segment's rest is copied to, what was dead already
        /// may be worth the work from then on, and what could not be done now may be possible later.
        var isUnfinished = true
    }

    /// Goes through all segments.
    func run() async -> Outcome {
        guard let segments = await session.segments,
            let sizes = try? await lane.run({ () throws(StateError) in try segments.sizes() })
        else { return Outcome() }
        let before = segments.usedBytes
        var outcome = Outcome(isUnfinished: false)
        var isChanged = false
        for (segment, bytes) in sizes {
            guard !Task.isCancelled, gate.isOpen else {
                outcome.isUnfinished = true
                break
            }
            guard let live = await session.liveBytes(in: segment),
                isWorthwhile(live: live, of: bytes, isActive: segments.isActive(segment))
            else { continue }
            outcome.isUnfinished = true
            if await vacate(segment, segments) { isChanged = true }
        }
        guard isChanged else { return outcome }
        exchange.setRoom(limit.room(in: segments))
        if limit.bytes != nil { queue.requestSweep() }
        let after = segments.usedBytes
        outcome.freedBytes = before > after ? before - after : 0
        return outcome
    }

    private func isWorthwhile(live: UInt64, of bytes: UInt64, isActive: Bool) -> Bool {
        if live == 0, !isActive { return true }
        return bytes >= live + Self.leastDeadBytes && live <= bytes / 2
    }

    /// False when the segment stays.
    private func vacate(_ segment: UInt32, _ segments: SegmentStore) async -> Bool {
        segments.seal(segment)
        let failedSyncs = segments.failedSyncs
        do throws(StateError) {
            guard let copies = try await copy(segment, segments) else { return false }
            Failpoint.segmentCopied.reach()
            try await lane.run { () throws(StateError) in try segments.sync() }
            // A sync of another's that failed may have taken the copies back.
            guard segments.failedSyncs == failedSyncs else { return false }
            Failpoint.segmentSynced.reach()
            guard await session.vacate(segment, copies) else { return false }
            Failpoint.segmentVacated.reach()
            try await lane.run { () throws(StateError) in try segments.remove(segment) }
            Failpoint.segmentRemoved.reach()
            return true
        } catch {
            gate.close(error, bytes: 0)
            return false
        }
    }

    /// Nil when not all that the index says to be there can be copied.
    private func copy(_ segment: UInt32, _ segments: SegmentStore) async throws(StateError) -> [Copy]? {
        var copies: [Copy] = []
        var place = ChunkPlace(segment: segment, offset: 0)
        while let chunks = await session.chunks(from: place, limit: Self.sliceChunks) {
            let here = chunks.filter { $0.1.segment == segment }
            guard let last = here.last?.1 else { return copies }
            let outcome = try await lane.run { () throws(StateError) in try Self.copy(here, in: segments) }
            switch outcome {
            case .copied(let made): copies += made
            case .noRoom: return nil
            case .damaged(let damaged, let error):
                if error.isDamaged { _ = await session.quarantine(damaged, error) }
                return nil
            }
            place = ChunkPlace(after: last)
            guard !Task.isCancelled else { return nil }
        }
        return nil
    }

    private enum Copying: Sendable {
        case copied([Copy])
        case noRoom
        case damaged(DamagedChunk, StateError)
    }

    private static func copy(
        _ chunks: [(ChunkID, ChunkLocation)], in segments: SegmentStore
    ) throws(StateError) -> Copying {
        var copies: [(ChunkID, EncodedChunk)] = []
        for (chunk, location) in chunks {
            do throws(StateError) {
                copies.append((chunk, try segments.readVerified(chunk, at: location)))
            } catch {
                return .damaged(DamagedChunk(chunk: chunk, location: location, content: nil), error)
            }
        }
        guard let places = try segments.append(copies, isMove: true) else { return .noRoom }
        return .copied(zip(chunks, places).map { ($0.0, $0.1, $1) })
    }
}
