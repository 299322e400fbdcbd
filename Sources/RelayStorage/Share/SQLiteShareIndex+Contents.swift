// SPDX-License-Identifier: Apache-2.0

package import RelayCore

extension SQLiteShareIndex {
    /// The chunk list of a content; nil when nobody told it yet.
    package func manifest(_ content: ContentID) throws(StateError) -> Manifest? {
        let statement = try statement(.manifest)
        statement.bind(1, content.raw)
        return try statement.first { row throws(StateError) in try row.manifest(0) }
    }

    /// Keeps the chunk list of a content; a list that is there already stays.
    package func putManifest(_ manifest: Manifest, for content: ContentID) throws(StateError) {
        let statement = try statement(.putManifest)
        statement.bind(1, content.raw)
        statement.bind(2, bits: manifest.sizeBytes)
        statement.bind(3, manifest.encoded)
        try statement.run()
        try rescue(content, manifest)
    }

    /// Whether any version of the share, past or present, has this content.
    package func isReferenced(_ content: ContentID) throws(StateError) -> Bool {
        let statement = try statement(.isReferenced)
        statement.bind(1, bits: content.raw.first)
        statement.bind(2, tailOf: content.raw)
        return try statement.first { _ in true } ?? false
    }

    /// The devices that made versions with this content, the one of the newest version first.
    package func authors(of content: ContentID) throws(StateError) -> [DeviceID] {
        let statement = try statement(.authors)
        statement.bind(1, bits: content.raw.first)
        statement.bind(2, tailOf: content.raw)
        return try statement.all { row throws(StateError) in
            guard let device = device(number: row.integer(0)) else { throw row.damaged(0) }
            return device
        }
    }

    /// Where the chunk lies in the segment store; nil when it is not stored.
    package func location(_ chunk: ChunkID) throws(StateError) -> ChunkLocation? {
        let statement = try statement(.location)
        statement.bind(1, chunk.raw)
        return try statement.first { row throws(StateError) in try row.location(0) }
    }

    /// Remembers where chunks lie. They are on disk already: the segment store was synced before.
    package func putLocations(_ locations: [(ChunkID, ChunkLocation)]) throws(StateError) {
        let statement = try statement(.putLocation)
        for (chunk, location) in locations {
            statement.bind(chunk, at: location)
            try statement.run()
        }
    }

    /// The content that this one replaced where it was committed last: that of the node's version before. Nil
    /// when there is no such version, or its chunk list is not known.
    package func formerManifest(of content: ContentID) throws(StateError) -> KnownManifest? {
        let newest = try statement(.newestVersion)
        newest.bind(1, bits: content.raw.first)
        newest.bind(2, tailOf: content.raw)
        let version = try newest.first { row throws(StateError) in
            (node: NodeID(try row.bytes16(0)), revision: Revision(row.bits(1)))
        }
        guard let version,
            let former = try versions(of: version.node, before: version.revision, limit: 1).first,
            let formerContent = former.state?.payload.content, let list = try manifest(formerContent)
        else { return nil }
        return KnownManifest(content: formerContent, manifest: list)
    }

    /// Contents in the order of their ids, after this one (nil: from the first), with their chunk lists.
    package func contents(after content: ContentID?, limit: Int) throws(StateError) -> [(
        ContentID, Manifest
    )] {
        let statement = try statement(.contents)
        statement.bind(1, content?.raw.bytes ?? [])
        statement.bind(2, Int64(max(0, limit)))
        return try statement.all { row throws(StateError) in
            (ContentID(try row.bytes32(0)), try row.manifest(1))
        }
    }

    /// Where the share has this content now; nil when it is only in past versions.
    package func path(of content: ContentID) throws(StateError) -> RelativePath? {
        let statement = try statement(.currentNode)
        statement.bind(1, bits: content.raw.first)
        statement.bind(2, tailOf: content.raw)
        var next = try statement.first { row throws(StateError) in NodeID(try row.bytes16(0)) }
        guard next != nil else { return nil }
        var names: [EntryName] = []
        while let node = next, node != .root, names.count <= RelativePath.limitDepth {
            guard let placement = try record(node)?.state?.placement else { return nil }
            names.append(placement.name)
            next = placement.parent
        }
        return RelativePath(names.reversed())
    }

    /// Those of the chunks that are not stored.
    package func missing(_ chunks: [ChunkReference]) throws(StateError) -> Set<ChunkID> {
        let statement = try statement(.location)
        var result: Set<ChunkID> = []
        for chunk in chunks {
            statement.bind(1, chunk.id.raw)
            let isStored = try statement.first { _ in true } ?? false
            if !isStored { result.insert(chunk.id) }
        }
        return result
    }

    /// Takes out up to which revision nothing was missing of the current contents when that was set; nil if
    /// it is not known. What happens from now on may make it untrue, so it is set anew in the end.
    package func takeWholeThrough() throws(StateError) -> Revision? {
        let statement = try statement(.meta)
        statement.bind(1, text: Self.wholeKey)
        guard let bytes = try statement.first({ row in row.bytes(0) }) else { return nil }
        let removal = try self.statement(.removeMeta)
        removal.bind(1, text: Self.wholeKey)
        try removal.run()
        return Revision(stored: bytes)
    }

    package func setWholeThrough(_ revision: Revision) throws(StateError) {
        let statement = try statement(.setMeta)
        statement.bind(1, text: Self.wholeKey)
        statement.bind(2, revision.stored)
        try statement.run()
    }

    private static let wholeKey = "whole"
}
