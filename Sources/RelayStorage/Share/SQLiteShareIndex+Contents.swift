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
        return try statement.first { row throws(StateError) in
            guard let encoding = ChunkEncoding(rawValue: try row.number(4)) else { throw row.damaged(4) }
            return ChunkLocation(
                segment: try row.number(0), offset: row.bits(1), storedBytes: try row.number(2),
                sizeBytes: try row.number(3), encoding: encoding)
        }
    }

    /// Remembers where chunks lie. They are on disk already: the segment store was synced before.
    package func putLocations(_ locations: [(ChunkID, ChunkLocation)]) throws(StateError) {
        let statement = try statement(.putLocation)
        for (chunk, location) in locations {
            statement.bind(1, chunk.raw)
            statement.bind(2, Int64(location.segment))
            statement.bind(3, bits: location.offset)
            statement.bind(4, Int64(location.storedBytes))
            statement.bind(5, Int64(location.sizeBytes))
            statement.bind(6, Int64(location.encoding.rawValue))
            try statement.run()
        }
    }

    /// Forgets where a chunk lies, so that it is missing: for one that was found damaged.
    package func removeLocation(_ chunk: ChunkID) throws(StateError) {
        let statement = try statement(.removeLocation)
        statement.bind(1, chunk.raw)
        try statement.run()
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
}
