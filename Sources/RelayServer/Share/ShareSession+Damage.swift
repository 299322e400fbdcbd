// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage

// Stored chunks that are damaged: they count as missing, and are brought anew from a device that has them.
// What lies in their place is left as it is, for a person and for a later look.

/// The damaged chunks of a share.
struct DamageStanding: Sendable {
    /// Those of which the store has no whole copy, and those of which it has one again.
    var missing = 0
    var healed = 0
    /// The first of those that are missing.
    var chunks: [Place] = []

    /// What is known of a damaged chunk.
    struct Place: Sendable {
        var damaged: DamagedChunk
        /// The segment's file.
        var file: String
        /// Where the share has its content now.
        var path: RelativePath?
        /// The devices that committed the content.
        var authors: [DeviceID] = []
    }
}

extension ShareSession {
    /// How many damaged chunks are told one by one.
    static var limitToldDamage: Int { 100 }

    enum QuarantineOutcome {
        case missing
        /// The index does not say any more that the chunk lies there.
        case moved
        /// The index cannot be written now.
        case impossible
    }

    /// A stored chunk is damaged: takes it for missing, and has it brought anew.
    func quarantine(_ damaged: DamagedChunk, _ cause: StateError) -> QuarantineOutcome {
        var isNew = false
        let isWritten = write { open throws(StateError) in isNew = try open.index.quarantine(damaged) }
        guard isWritten else { return .impossible }
        guard isNew else { return .moved }
        Failpoint.chunkForgotten.reach()
        noteDamage(damaged, cause)
        return .missing
    }

    /// Those of the chunks that are said to be stored and are damaged; they count as missing from now on. For
    /// chunks that are at hand just now.
    func damaged(_ chunks: [ChunkID], _ open: OpenShare) -> Set<ChunkID> {
        var result: Set<ChunkID> = []
        for chunk in chunks {
            guard let location = locations([chunk])[chunk] else { continue }
            do throws(StateError) {
                _ = try open.segments.read(location, expecting: chunk)
            } catch {
                guard error.isDamaged else { continue }
                let damaged = DamagedChunk(chunk: chunk, location: location, content: nil)
                if case .missing = quarantine(damaged, error) { result.insert(chunk) }
            }
        }
        return result
    }

    /// Tells of a chunk that was found damaged, and has it looked for.
    func noteDamage(_ damaged: DamagedChunk, _ cause: StateError) {
        acquisitions.requestSweep()
        // One segment that is gone is thousands of chunks.
        toldDamage += 1
        let path = damaged.content.flatMap { content in
            read { open throws(StateError) in try open.index.path(of: content) } ?? nil
        }
        logger.log(
            level: toldDamage <= Self.limitToldDamage ? .error : .debug,
            "stored chunk is damaged, it is brought anew from a device that has it",
            metadata: [
                "chunk": "\(damaged.chunk)", "path": "\(path?.description ?? "unknown")",
                "segment": "\(damaged.location.segment)", "offset": "\(damaged.location.offset)",
                "error": "\(cause)",
            ])
    }

    /// A damaged chunk is whole in its place after all, as when a disk could not be read for a while.
    func release(_ damaged: DamagedChunk) {
        write { open throws(StateError) in try open.index.release(damaged) }
    }

    /// Damaged chunks that are missing, from this place on; nil while the index cannot be read.
    func damagedChunks(from place: ChunkPlace, limit: Int) -> [DamagedChunk]? {
        read { open throws(StateError) in try open.index.damagedChunks(from: place, limit: limit) }
    }

    /// Chunks in the order in which they lie, from this place on; nil while there is nothing to be verified:
    /// the share is closed, or has trouble with its files.
    func chunks(from place: ChunkPlace, limit: Int) -> [(ChunkID, ChunkLocation)]? {
        guard held == nil, gate.isOpen else { return nil }
        return read { open throws(StateError) in try open.index.chunks(from: place, limit: limit) }
    }

    /// Looks in some contents after this one for damaged chunks of which it is not known what they are a part
    /// of. Returns the last content that was looked at; nil at the end.
    func nameDamage(_ chunks: Set<ChunkID>, after content: ContentID?) -> ContentID? {
        var last: ContentID?
        write { open throws(StateError) in
            for (content, manifest) in try open.index.contents(after: content, limit: 64) {
                last = content
                for chunk in manifest.chunks where chunks.contains(chunk.id) {
                    try open.index.nameDamage(chunk.id, content: content)
                }
            }
        }
        return last
    }

    func damageStanding() -> DamageStanding {
        guard let file = segments else { return DamageStanding() }
        return read { open throws(StateError) in
            let count = try open.index.damageCount()
            var standing = DamageStanding(missing: count.missing, healed: count.healed)
            guard count.missing > 0 else { return standing }
            for damaged in try open.index.damagedChunks(from: .start, limit: Self.limitToldDamage) {
                var place = DamageStanding.Place(
                    damaged: damaged, file: file.filePath(damaged.location.segment))
                if let content = damaged.content {
                    place.path = try open.index.path(of: content)
                    place.authors = try open.index.authors(of: content)
                }
                standing.chunks.append(place)
            }
            return standing
        } ?? DamageStanding()
    }

    /// What is kept of verifications; nil while the index cannot be read.
    func verificationRecord() -> StoreVerificationRecord? {
        read { open throws(StateError) in
            try open.index.verificationRecord().flatMap(StoreVerificationRecord.init(encoded:))
                ?? StoreVerificationRecord(since: wallClockSeconds())
        }
    }

    func setVerificationRecord(_ record: StoreVerificationRecord) {
        write { open throws(StateError) in try open.index.setVerificationRecord(record.encoded) }
    }
}
