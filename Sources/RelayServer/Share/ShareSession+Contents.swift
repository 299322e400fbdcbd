// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage

// What the share's contents are, and where they lie.

extension ShareSession {
    var segments: SegmentStore? { opened?.segments }

    /// What is known of a content; nil when no version of the share has it.
    func access(_ content: ContentID) -> ContentAccess? {
        var isMarked = false
        let access: ContentAccess?? = read { open throws(StateError) in
            if content == CheckedBatch.emptyContent {
                return ContentAccess(
                    content: content, manifest: Manifest([]), authors: [], segments: open.segments)
            }
            guard try open.index.isReferenced(content) else { return nil }
            isMarked = try open.index.isMarked(content)
            var manifest = shelf.find(content)
            if manifest == nil {
                manifest = try open.index.manifest(content)
                if let manifest { shelf.put(manifest, for: content) }
            }
            return ContentAccess(
                content: content, manifest: manifest, authors: try open.index.authors(of: content),
                segments: open.segments)
        }
        // Whoever is asked for it now is to have time to give it.
        if isMarked { write { open throws(StateError) in try open.index.rescue(content) } }
        return access ?? nil
    }

    /// Where those of the chunks lie that are stored.
    func locations(_ chunks: [ChunkID]) -> [ChunkID: ChunkLocation] {
        read { open throws(StateError) in
            var result: [ChunkID: ChunkLocation] = [:]
            for chunk in chunks { result[chunk] = try open.index.location(chunk) }
            return result
        } ?? [:]
    }

    /// Those of the chunks that are not stored.
    func missing(_ chunks: [ChunkReference]) -> Set<ChunkID> {
        read { open throws(StateError) in try open.index.missing(chunks) } ?? []
    }

    /// Remembers the chunk list of a content, verified by the caller. False if that is not possible now.
    @discardableResult
    func keep(_ manifest: Manifest, for content: ContentID) -> Bool {
        shelf.put(manifest, for: content)
        return write { open throws(StateError) in try open.index.putManifest(manifest, for: content) }
    }

    /// Remembers where chunks lie that are on disk. Returns those that it remembers: of what lies in a
    /// segment that was given up meanwhile nothing is left.
    @discardableResult
    func keep(_ locations: [(ChunkID, ChunkLocation)]) throws(StateError) -> [(ChunkID, ChunkLocation)] {
        guard let open = opened else { throw StateError("cannot keep chunks: the share is closed") }
        let kept = locations.filter { !retired.contains($0.1.segment) }
        if kept.count < locations.count { acquisitions.requestSweep() }
        try open.transaction { try open.index.putLocations(kept) }
        return kept
    }

    /// Tries whether the index can be written.
    func probe() throws(StateError) {
        guard held == nil, let open = opened else { throw StateError("cannot write the index at the moment") }
        try open.transaction { try open.index.probe() }
    }

    /// Current contents of which something is missing, from some nodes after the revision; nil at the end.
    func incomplete(after revision: Revision) -> (incomplete: [Acquisition], through: Revision)? {
        guard limitBytes != 0 else { return nil }
        return read { open throws(StateError) -> (incomplete: [Acquisition], through: Revision)? in
            let records = try open.index.records(after: revision, limit: 64)
            guard let last = records.last else { return nil }
            var found: [Acquisition] = []
            for record in records {
                guard case .file(let file)? = record.state?.payload, file.sizeBytes > 0 else { continue }
                if let manifest = try open.index.manifest(file.content),
                    manifest.chunks.count <= ContentLimits.inlineChunks,
                    try open.index.missing(manifest.chunks).isEmpty
                {
                    continue
                }
                found.append(Acquisition(content: file.content, sizeBytes: file.sizeBytes))
            }
            return (found, last.revision)
        } ?? nil
    }

    /// Current contents of which the hub lacks something and of which none of the others said that it has
    /// them, from some nodes after the revision; nil at the end.
    func holdings(
        of device: DeviceID, without others: Set<DeviceID>, after revision: Revision
    ) -> (files: [(name: EntryName, sizeBytes: UInt64)], through: Revision)? {
        read {
            open throws(StateError) -> (files: [(name: EntryName, sizeBytes: UInt64)], through: Revision)? in
            let records = try open.index.records(after: revision, limit: 64)
            guard let last = records.last else { return nil }
            let held = others.compactMap { applied.all[$0] }.max() ?? .zero
            var files: [(name: EntryName, sizeBytes: UInt64)] = []
            for record in records {
                guard let state = record.state, case .file(let file) = state.payload, file.sizeBytes > 0,
                    state.payloadRevision > held
                else { continue }
                if record.revision == state.payloadRevision, others.contains(record.device) { continue }
                if let manifest = try open.index.manifest(file.content),
                    try open.index.missing(manifest.chunks).isEmpty
                {
                    continue
                }
                files.append((state.placement.name, file.sizeBytes))
            }
            return (files, last.revision)
        } ?? nil
    }

    /// A page of the index for those who compare; nil while the share's files are not open.
    func audit(after revision: Revision, limit: Int) -> AuditPage? {
        read { open throws(StateError) in try AuditPage(of: open.index, after: revision, limit: limit) }
    }

    /// Puts the chunks that came with the batches into the store, as far as it takes them; they are on disk
    /// when it returns. The commit stands without: the author has the contents.
    func store(
        _ batches: [CheckedBatch], _ open: OpenShare
    ) throws(StateError) -> [(ChunkID, ChunkLocation)] {
        guard limitBytes != 0, gate.isOpen || !unrecorded.isEmpty else { return [] }
        var offered: [ChunkID: (ChunkReference, EncodedChunk)] = [:]
        for batch in batches {
            for chunk in batch.chunks { offered[chunk.0.id] = chunk }
        }
        guard !offered.isEmpty else { return [] }
        let references = offered.values.map(\.0)
        var missing = try open.transaction { try open.index.missing(references) }
        missing.formUnion(damaged(offered.values.filter { !missing.contains($0.0.id) }.map(\.0.id), open))
        let before = missing.compactMap { id in unrecorded[id].map { (id, $0) } }
        let chunks = missing.sorted().filter { unrecorded[$0] == nil }.compactMap { id in
            offered[id].map { (id, $0.1) }
        }
        guard !chunks.isEmpty, gate.isOpen else { return before }
        do throws(StateError) {
            guard let locations = try open.segments.store(chunks) else { return before }
            gate.noteStored()
            Failpoint.chunksSynced.reach()
            return before + Array(zip(chunks.map(\.0), locations))
        } catch {
            gate.close(error, bytes: chunks.reduce(0) { $0 + $1.1.bytes.count })
            return before
        }
    }

    /// How the share stands; nil while its files are not open.
    func standing() -> ShareStanding? {
        guard let open = opened else { return nil }
        return ShareStanding(
            head: open.index.head, storedBytes: open.segments.usedBytes, applied: applied.all,
            online: Set(controls.keys), trouble: held?.cause ?? gate.reason, damage: damageStanding(),
            verifiedAt: verificationRecord()?.finishedAt)
    }

    /// Uses the index in a transaction of its own; nil when that fails or the share is closed.
    @discardableResult
    func read<T>(_ body: (OpenShare) throws(StateError) -> T) -> T? {
        guard let open = opened else { return nil }
        do {
            return try open.transaction { try body(open) }
        } catch {
            fail(error)
            return nil
        }
    }

    /// Writes to the index in a transaction of its own. False when that is not possible now.
    @discardableResult
    func write(_ body: (OpenShare) throws(StateError) -> Void) -> Bool {
        guard let open = opened else { return false }
        do throws(StateError) {
            try open.transaction { try body(open) }
            return true
        } catch {
            if error.isDamaged { fail(error) } else { gate.close(error, bytes: 0) }
            return false
        }
    }
}
