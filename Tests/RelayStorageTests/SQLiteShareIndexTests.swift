// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage
import Testing

@Suite struct SQLiteShareIndexTests {
    private let directory: TemporaryDirectory

    private struct Refusal: Error, Equatable {}

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ name: String = "index.db") throws -> SQLiteShareIndex {
        try SQLiteShareIndex(path: directory.file(name)) { Epoch(high: 1, low: 2) }
    }

    @Test(arguments: ShareIndexRule.allCases)
    func `it does what every share index does`(_ rule: ShareIndexRule) throws {
        let index = try open()
        try index.transaction { () throws in try rule.check(index) }
    }

    @Test func `everything survives reopening, the epoch included`() throws {
        var index = try open()
        let location = ChunkLocation(
            segment: .max, offset: 1 << 40, storedBytes: 7, sizeBytes: .max, encoding: .zstd)
        try index.transaction { () throws in
            for number in 1...5 as ClosedRange<UInt64> {
                let state = try Sample.state("n\(number)", Sample.file(number), revision: number)
                try ShareIndexRule.append(index, node: number, state, device: number)
            }
            try index.putLocations([(Sample.chunk(1), location)])
            try index.setAppliedRevision(Sample.device(3), Revision(4))
        }
        let records = try index.transaction { () throws in try index.records(after: .zero, limit: 10) }
        index.close()
        index = try SQLiteShareIndex(path: directory.file("index.db")) {
            Issue.record("the epoch is there already")
            return Epoch(high: 0, low: 0)
        }
        #expect(
            index.head == Cursor(epoch: Epoch(high: 1, low: 2), revision: Revision(5), chain: Sample.chain(5))
        )
        try index.transaction { () throws in
            #expect(try index.records(after: .zero, limit: 10) == records)
            #expect(try index.location(Sample.chunk(1)) == location)
            #expect(try index.appliedRevision(Sample.device(3)) == Revision(4))
            #expect(try index.appliedRevision(Sample.device(2)) == nil)
        }
    }

    @Test func `a roll back takes back the head and the devices`() throws {
        let index = try open()
        for _ in 0..<2 {
            #expect(throws: Refusal()) {
                try index.transaction { () throws in
                    let state = try Sample.state("a", Sample.file(1), revision: 1)
                    try ShareIndexRule.append(index, node: 1, state)
                    #expect(index.head.revision == Revision(1))
                    throw Refusal()
                }
            }
            #expect(index.head.revision == .zero)
        }
        try index.transaction { () throws in
            try ShareIndexRule.append(index, node: 1, try Sample.state("a", Sample.file(1), revision: 1))
            #expect(try index.record(Sample.node(1))?.device == Sample.device(1))
        }
    }

    @Test func `a roll back takes back what became of directories`() throws {
        let index = try open()
        let directory = Payload.directory(mode: PermissionBits(0o755))
        let placed = try Sample.state("d", directory, revision: 1)
        try index.transaction { () throws in
            try ShareIndexRule.append(index, node: 1, placed)
            #expect(try index.record(Sample.node(1))?.state == placed)
        }
        #expect(throws: Refusal()) {
            try index.transaction { () throws in
                try ShareIndexRule.append(index, node: 1, nil)
                #expect(try index.record(Sample.node(1))?.state == nil)
                throw Refusal()
            }
        }
        try index.transaction { () throws in
            #expect(try index.record(Sample.node(1))?.state == placed)
            var moved = placed
            moved.placement = try Sample.placement("e")
            moved.placementRevision = Revision(2)
            try ShareIndexRule.append(index, node: 1, moved)
            #expect(try index.record(Sample.node(1))?.state == moved)
        }
    }

    @Test func `references and authors are those of all versions, the newest first`() throws {
        let index = try open()
        try index.transaction { () throws in
            let first = try Sample.state("a", Sample.file(1), revision: 1)
            try ShareIndexRule.append(index, node: 1, first, device: 1)
            try ShareIndexRule.append(
                index, node: 2, try Sample.state("b", Sample.file(1), revision: 2), device: 2)
            var changed = first
            changed.payload = Sample.file(2)
            changed.payloadRevision = Revision(3)
            try ShareIndexRule.append(index, node: 1, changed, device: 3)
            #expect(try index.isReferenced(Sample.content(1)))
            #expect(try index.isReferenced(Sample.content(2)))
            #expect(try !index.isReferenced(Sample.content(3)))
            #expect(try !index.isReferenced(ContentID(Bytes32(1, 2, 3, 5))))
            #expect(try index.authors(of: Sample.content(1)) == [2, 1].map(Sample.device))
            #expect(try index.authors(of: Sample.content(2)) == [Sample.device(3)])
            #expect(try index.authors(of: Sample.content(3)) == [])
            let versions = try index.versions(of: Sample.node(1), before: nil, limit: 10)
            #expect(versions.map(\.revision.number) == [3, 1])
            #expect(
                try index.versions(of: Sample.node(1), before: Revision(3), limit: 10).map(\.state) == [first]
            )
        }
    }

    @Test func `chunks are missing until their place is known`() throws {
        let index = try open()
        let chunks = (1...3 as ClosedRange<UInt64>).map {
            ChunkReference(id: Sample.chunk($0), sizeBytes: 1)
        }
        let location = ChunkLocation(segment: 0, offset: 16, storedBytes: 1, sizeBytes: 1, encoding: .raw)
        let manifest = Manifest(chunks)
        try index.transaction { () throws in
            #expect(try index.missing(chunks) == Set(chunks.map(\.id)))
            try index.putLocations([(Sample.chunk(2), location)])
            #expect(try index.missing(chunks) == [Sample.chunk(1), Sample.chunk(3)])
            #expect(
                try index.quarantine(
                    DamagedChunk(chunk: Sample.chunk(2), location: location, content: nil)))
            #expect(try index.missing(chunks).count == 3)
            #expect(try index.manifest(Sample.content(1)) == nil)
            try index.putManifest(manifest, for: Sample.content(1))
            try index.putManifest(manifest, for: Sample.content(1))
            #expect(try index.manifest(Sample.content(1)) == manifest)
        }
    }

    @Test func `live children are listed in pages`() throws {
        let index = try open()
        try index.transaction { () throws in
            for number in 1...5 as ClosedRange<UInt64> {
                let state = try Sample.state("n\(number)", Sample.file(number), revision: number)
                try ShareIndexRule.append(index, node: number, state)
            }
            let first = try index.children(of: .root, after: nil, limit: 3)
            #expect(first == [1, 2, 3].map(Sample.node))
            let rest = try index.children(of: .root, after: try Sample.name("n3"), limit: 3)
            #expect(rest == [4, 5].map(Sample.node))
        }
    }

    @Test func `a copy taken while it runs opens with what was committed`() throws {
        let index = try open()
        for number in 1...50 as ClosedRange<UInt64> {
            try index.transaction { () throws in
                let state = try Sample.state("n\(number)", Sample.file(number), revision: number)
                try ShareIndexRule.append(index, node: number, state)
            }
        }
        try index.transaction { () throws in
            try ShareIndexRule.append(index, node: 1, nil)
            try directory.copy("index.db", to: "copy.db")
            try directory.copy("index.db-wal", to: "copy.db-wal")
        }
        let copy = try open("copy.db")
        #expect(copy.head.revision == Revision(50))
        try copy.transaction { () throws in #expect(try copy.records(after: .zero, limit: 100).count == 50) }
    }

    @Test func `a new line of history keeps what is known`() throws {
        let index = try open()
        let epoch = Epoch(high: 3, low: 4)
        try index.transaction { () throws in
            try ShareIndexRule.append(index, node: 1, try Sample.state("a", Sample.file(1), revision: 1))
            try index.renewEpoch(epoch)
        }
        index.close()
        #expect(try open().head == Cursor(epoch: epoch, revision: Revision(1), chain: Sample.chain(1)))
    }

    @Test func `what is damaged is missing until it is stored elsewhere, or whole again`() throws {
        let index = try open()
        func location(_ segment: UInt32, _ offset: UInt64) -> ChunkLocation {
            ChunkLocation(segment: segment, offset: offset, storedBytes: 10, sizeBytes: 20, encoding: .zstd)
        }
        try index.transaction { () throws in
            let places = [location(1, 16), location(0, 500), location(0, 16)]
            let ids = (1...3 as ClosedRange<UInt64>).map(Sample.chunk)
            try index.putLocations(Array(zip(ids, places)))
            #expect(try index.chunks(from: .start, limit: 9).map(\.0) == [ids[2], ids[1], ids[0]])
            let next = ChunkPlace(after: places[2])
            #expect(try index.chunks(from: next, limit: 1).map(\.1) == [places[1]])
            let damaged = DamagedChunk(chunk: ids[0], location: places[0], content: nil)
            // The index says another place by now.
            let outdated = DamagedChunk(chunk: ids[0], location: location(0, 900), content: nil)
            #expect(try !index.quarantine(outdated))
            #expect(try index.quarantine(damaged))
            #expect(try index.location(ids[0]) == nil)
            #expect(try index.endOfChunks() == ChunkPlace(segment: 1, offset: 16 + 52 + 10))
            try index.nameDamage(ids[0], content: Sample.content(7))
            let named = DamagedChunk(chunk: ids[0], location: places[0], content: Sample.content(7))
            #expect(try index.damagedChunks(from: .start, limit: 9) == [named])
            try index.putLocations([(ids[0], location(2, 16))])
            #expect(try index.damageCount() == (0, 1) && index.damagedChunks(from: .start, limit: 9) == [])
            try index.release(damaged)
            #expect(try index.location(ids[0]) == location(2, 16))
            #expect(try index.damageCount() == (0, 0))
            let second = DamagedChunk(chunk: ids[1], location: places[1], content: nil)
            #expect(try index.quarantine(second))
            try index.release(second)
            #expect(try index.location(ids[1]) == places[1])
        }
    }

    @Test func `a content is found by its path, and what it replaced by its node`() throws {
        let index = try open()
        try index.transaction { () throws in
            try ShareIndexRule.append(
                index, node: 1, try Sample.state("d", .directory(mode: PermissionBits(0o755)), revision: 1))
            let inside = Sample.node(1)
            try ShareIndexRule.append(
                index, node: 2, try Sample.state("f", in: inside, Sample.file(1), revision: 2))
            var changed = try Sample.state("f", in: inside, Sample.file(2), revision: 2)
            changed.payloadRevision = Revision(3)
            try ShareIndexRule.append(index, node: 2, changed)
            #expect(try index.path(of: Sample.content(2))?.description == "d/f")
            #expect(try index.path(of: Sample.content(1)) == nil)
            let list = Manifest([ChunkReference(id: Sample.chunk(1), sizeBytes: 5)])
            #expect(try index.formerManifest(of: Sample.content(2)) == nil)
            try index.putManifest(list, for: Sample.content(1))
            let former = try index.formerManifest(of: Sample.content(2))
            #expect(
                former?.content == Sample.content(1) && former?.manifest.chunks.map(\.id) == [Sample.chunk(1)]
            )
            #expect(try index.formerManifest(of: Sample.content(1)) == nil)
            #expect(try index.contents(after: nil, limit: 5).map(\.0) == [Sample.content(1)])
            #expect(try index.contents(after: Sample.content(1), limit: 5).isEmpty)
        }
    }
}
