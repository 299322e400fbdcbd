// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// A place in a segment store, by which chunks are ordered.
package struct ChunkPlace: Hashable, Sendable {
    package var segment: UInt32
    /// In bytes.
    package var offset: UInt64

    package init(segment: UInt32, offset: UInt64) {
        self.segment = segment
        self.offset = offset
    }

    package static let start = ChunkPlace(segment: 0, offset: 0)

    /// The next place after that of a chunk.
    package init(after location: ChunkLocation) {
        self.init(segment: location.segment, offset: location.offset + 1)
    }
}

/// A chunk that was found damaged, and where its bytes still lie.
package struct DamagedChunk: Hashable, Sendable {
    package var chunk: ChunkID
    package var location: ChunkLocation
    /// One of the contents that it is a part of, if one is known.
    package var content: ContentID?

    package init(chunk: ChunkID, location: ChunkLocation, content: ContentID?) {
        self.chunk = chunk
        self.location = location
        self.content = content
    }
}

// Chunks that are verified, and those that were found damaged: they count as missing, and what lies in their
// place is left as it is.

extension SQLiteShareIndex {
    /// The chunks in the order in which they lie in the segments, from this place on.
    package func chunks(from place: ChunkPlace, limit: Int) throws(StateError) -> [(ChunkID, ChunkLocation)] {
        let statement = try statement(.chunksFrom)
        statement.bind(1, Int64(place.segment))
        statement.bind(2, bits: place.offset)
        statement.bind(3, Int64(max(0, limit)))
        return try statement.all { row throws(StateError) in
            (ChunkID(try row.bytes32(0)), try row.location(1))
        }
    }

    /// How many chunks are stored.
    package func chunkCount() throws(StateError) -> Int {
        try statement(.chunkCount).first { row in Int(row.integer(0)) } ?? 0
    }

    /// Throws when the database is damaged anywhere that it can be seen.
    package func check() throws(StateError) {
        let found = try statement(.check).first { row in String(decoding: row.bytes(0), as: UTF8.self) }
        guard found == "ok" else { throw database.damaged(found ?? "it cannot be checked") }
    }

    /// Behind the last byte of all that was ever found in the segments, as far as the index knows.
    package func endOfChunks() throws(StateError) -> ChunkPlace? {
        var end: ChunkPlace?
        for query in [ShareQuery.lastChunk, .lastDamage] {
            let found = try statement(query).first { row throws(StateError) in
                let header = UInt64(SegmentRecord.headerBytes)
                return ChunkPlace(
                    segment: try row.number(0),
                    offset: row.bits(1) + header + (try row.number(2, UInt64.self)))
            }
            guard let found else { continue }
            if let known = end, (known.segment, known.offset) > (found.segment, found.offset) { continue }
            end = found
        }
        return end
    }

    /// Takes a chunk for missing that was found damaged, and remembers its place. False when the index does
    /// not say (any more) that it lies there.
    package func quarantine(_ damaged: DamagedChunk) throws(StateError) -> Bool {
        let remove = try statement(.removeLocation)
        remove.bind(1, damaged.chunk.raw)
        remove.bind(2, Int64(damaged.location.segment))
        remove.bind(3, bits: damaged.location.offset)
        try remove.run()
        guard try database.changedRows() == 1 else { return false }
        let put = try statement(.putDamage)
        put.bind(damaged.chunk, at: damaged.location)
        put.bind(7, damaged.content?.raw.bytes)
        try put.run()
        return true
    }

    /// A chunk that had been found damaged was read whole in its place.
    package func release(_ damaged: DamagedChunk) throws(StateError) {
        let remove = try statement(.removeDamage)
        remove.bind(1, Int64(damaged.location.segment))
        remove.bind(2, bits: damaged.location.offset)
        try remove.run()
        let restore = try statement(.restoreLocation)
        restore.bind(damaged.chunk, at: damaged.location)
        try restore.run()
    }

    /// Damaged chunks of which the store has no whole copy, in the order in which they lie, from this place
    /// on.
    package func damagedChunks(from place: ChunkPlace, limit: Int) throws(StateError) -> [DamagedChunk] {
        let statement = try statement(.damage)
        statement.bind(1, Int64(place.segment))
        statement.bind(2, bits: place.offset)
        statement.bind(3, Int64(max(0, limit)))
        return try statement.all { row throws(StateError) in
            DamagedChunk(
                chunk: ChunkID(try row.bytes32(0)), location: try row.location(1),
                content: row.isNull(6) ? nil : ContentID(try row.bytes32(6)))
        }
    }

    /// How many damaged chunks there are of which the store has no whole copy, and how many of which it has.
    package func damageCount() throws(StateError) -> (missing: Int, healed: Int) {
        try statement(.damageCount).first { row throws(StateError) in
            let (all, healed) = (Int(row.integer(0)), Int(row.integer(1)))
            return (all - healed, healed)
        } ?? (0, 0)
    }

    /// Remembers a content that a damaged chunk is a part of.
    package func nameDamage(_ chunk: ChunkID, content: ContentID) throws(StateError) {
        let statement = try statement(.nameDamage)
        statement.bind(1, content.raw)
        statement.bind(2, chunk.raw)
        try statement.run()
    }

    /// What is kept of the verification of the chunks; nil when nothing is.
    package func verificationRecord() throws(StateError) -> [UInt8]? {
        let statement = try statement(.meta)
        statement.bind(1, text: Self.verificationKey)
        return try statement.first { row in row.bytes(0) }
    }

    package func setVerificationRecord(_ record: [UInt8]) throws(StateError) {
        let statement = try statement(.setMeta)
        statement.bind(1, text: Self.verificationKey)
        statement.bind(2, record)
        try statement.run()
    }

    private static let verificationKey = "verification"
}

extension SQLStatement {
    /// A chunk and its place as six parameters.
    func bind(_ chunk: ChunkID, at location: ChunkLocation) {
        bind(1, chunk.raw)
        bind(2, Int64(location.segment))
        bind(3, bits: location.offset)
        bind(4, Int64(location.storedBytes))
        bind(5, Int64(location.sizeBytes))
        bind(6, Int64(location.encoding.rawValue))
    }

    /// A chunk's place in five columns.
    func location(_ first: Int32) throws(StateError) -> ChunkLocation {
        guard let encoding = ChunkEncoding(rawValue: try number(first + 4)) else { throw damaged(first + 4) }
        return ChunkLocation(
            segment: try number(first), offset: bits(first + 1), storedBytes: try number(first + 2),
            sizeBytes: try number(first + 3), encoding: encoding)
    }
}
