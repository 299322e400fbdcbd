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
                content: content, manifest: manifest,
                former: manifest == nil ? try open.index.formerManifest(of: content) : nil,
                authors: try open.index.authors(of: content), segments: open.segments)
        }
        // Whoever is asked for it now is to have time to give it.
        if isMarked { write { open throws(StateError) in try open.index.rescue(content) } }
        return access ?? nil
    }

    /// The chunk list of a content, if it is here; nobody but the asker is to be told of it.
    func manifest(of content: ContentID) -> Manifest? {
        let found = read { open throws(StateError) -> Manifest? in
            if let manifest = shelf.find(content) { return manifest }
            return try open.index.manifest(content)
        }
        return found ?? nil
    }

    /// The chunk list of the content that this one replaced, if it is here.
    func formerManifest(of content: ContentID) -> KnownManifest? {
        read { open throws(StateError) in try open.index.formerManifest(of: content) } ?? nil
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

    /// Current contents of which something is missing, from some nodes after the revision: those up to
    /// `through`, which is the revision itself at the end. Nil while the index cannot be read.
    func incomplete(after revision: Revision) -> (incomplete: [Acquisition], through: Revision)? {
        guard limitBytes != 0 else { return ([], revision) }
        return read { open throws(StateError) -> (incomplete: [Acquisition], through: Revision) in
            let records = try open.index.records(after: revision, limit: Self.sweptRecords)
            guard let last = records.last else { return ([], revision) }
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
        }
    }

    /// How many records are swept in one transaction, for which the devices wait.
    private static let sweptRecords = 256

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

    /// Chunks that came with batches, on their way into the store.
    struct Storing {
        /// Where chunks lie that were stored before, and of which the index does not know.
        var known: [(ChunkID, ChunkLocation)] = []
        var chunks: [ChunkID] = []
        var bytes = 0
        /// Nil: nothing is under way.
        var underWay: SegmentStoring?
    }

    /// Begins to put the chunks that came with the batches into the store, as far as it takes them. The
    /// commit stands without: the author has the contents.
    func beginStoring(_ batches: [CheckedBatch], _ open: OpenShare) throws(StateError) -> Storing {
        var storing = Storing()
        guard limitBytes != 0, gate.isOpen || !unrecorded.isEmpty else { return storing }
        var offered: [ChunkID: (ChunkReference, EncodedChunk)] = [:]
        for batch in batches {
            for chunk in batch.chunks { offered[chunk.0.id] = chunk }
        }
        guard !offered.isEmpty else { return storing }
        let references = offered.values.map(\.0)
        var missing = try open.transaction { try open.index.missing(references) }
        missing.formUnion(damaged(offered.values.filter { !missing.contains($0.0.id) }.map(\.0.id), open))
        storing.known = missing.compactMap { id in unrecorded[id].map { (id, $0) } }
        let chunks = missing.sorted().filter { unrecorded[$0] == nil }.compactMap { id in
            offered[id].map { (id, $0.1) }
        }
        guard !chunks.isEmpty, gate.isOpen else { return storing }
        storing.chunks = chunks.map(\.0)
        storing.bytes = chunks.reduce(0) { $0 + $1.1.bytes.count }
        do throws(StateError) {
            storing.underWay = try open.segments.beginStoring(chunks)
        } catch {
            gate.close(error, bytes: storing.bytes)
        }
        return storing
    }

    /// Waits until the chunks are on disk; says where those lie of which the index is to know.
    func finish(_ storing: Storing) -> [(ChunkID, ChunkLocation)] {
        guard let underWay = storing.underWay else { return storing.known }
        do throws(StateError) {
            let locations = try underWay.finish()
            gate.noteStored()
            Failpoint.chunksSynced.reach()
            return storing.known + Array(zip(storing.chunks, locations))
        } catch {
            gate.close(error, bytes: storing.bytes)
            return storing.known
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
        noteUse()
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
        noteUse()
        do throws(StateError) {
            try open.transaction { try body(open) }
            return true
        } catch {
            if error.isDamaged { fail(error) } else { gate.close(error, bytes: 0) }
            return false
        }
    }
}
