// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import RelayStorage
import Testing

/// What nothing refers to is marked, and goes when the mark is due.
@Suite struct CollectionTests {
    private let directory: TemporaryDirectory
    private let index: SQLiteShareIndex

    init() throws {
        directory = try TemporaryDirectory()
        index = try SQLiteShareIndex(path: directory.file("index.db")) { Epoch(high: 1, low: 2) }
    }

    private func location(_ number: UInt64, segment: UInt32 = 0) -> ChunkLocation {
        ChunkLocation(
            segment: segment, offset: 16 + number * 100, storedBytes: 48, sizeBytes: 48, encoding: .raw)
    }

    /// A node's next version: this content, of these chunks, all stored.
    private func commit(node: UInt64, content: UInt64?, chunks: [UInt64] = []) throws {
        if let content {
            try index.putLocations(chunks.map { (Sample.chunk($0), location($0)) })
            try index.putManifest(list(chunks), for: Sample.content(content))
        }
        let revision = index.head.revision.next.number
        let state = try content.map {
            try Sample.state("n\(node)", Sample.file($0), revision: revision)
        }
        try ShareIndexRule.append(index, node: node, state)
    }

    private func list(_ chunks: [UInt64]) -> Manifest {
        Manifest(chunks.map { ChunkReference(id: Sample.chunk($0), sizeBytes: 48) })
    }

    private func pass(horizon: Revision, due: Int64, between: () throws -> Void = {}) throws {
        index.beginCollecting()
        var content: ContentID?
        repeat {
            content = try index.collectContents(after: content, limit: 2, horizon: horizon)
        } while content != nil
        try between()
        repeat { content = try index.spareContents(after: content, limit: 2) } while content != nil
        while try index.markChunks(limit: 2, due: due) {}
        try index.finishCollecting(due: due, through: horizon)
    }

    private func stored() throws -> Set<UInt64> {
        Set(try (1...9 as ClosedRange<UInt64>).filter { try index.location(Sample.chunk($0)) != nil })
    }

    private func removeAll(atAge age: Int64) throws {
        while try index.removeDue(atAge: age, limit: 1) != (0, 0) {}
    }

    @Test func `what was replaced or removed before the horizon goes, and nothing else`() throws {
        try index.transaction { () throws in
            try commit(node: 1, content: 1, chunks: [1, 2])
            try commit(node: 1, content: 2, chunks: [2, 3])
            try commit(node: 2, content: 3, chunks: [4, 5])
            try commit(node: 3, content: 4, chunks: [5, 6])
            try commit(node: 2, content: nil)
            let horizon = index.head.revision
            // Replaced later: still retained.
            try commit(node: 3, content: 5, chunks: [7])
            try pass(horizon: horizon, due: 100)
            #expect(try index.markedThrough() == horizon)
            try removeAll(atAge: 99)
            #expect(try stored() == [1, 2, 3, 4, 5, 6, 7])
            try removeAll(atAge: 100)
            #expect(try stored() == [2, 3, 5, 6, 7])
            #expect(try index.manifest(Sample.content(1)) == nil)
            #expect(try index.manifest(Sample.content(4)) == list([5, 6]))
            // The versions and their chain stay.
            #expect(try index.chain(at: Revision(1)) == Sample.chain(1))
            #expect(try index.isReferenced(Sample.content(1)))
        }
    }

    @Test func `a content that another node has, or had, is kept`() throws {
        try index.transaction { () throws in
            try commit(node: 1, content: 1, chunks: [1])
            try commit(node: 2, content: 1, chunks: [1])
            try commit(node: 1, content: nil)
            try pass(horizon: index.head.revision, due: 0)
            try removeAll(atAge: 0)
            #expect(try stored() == [1])
            try commit(node: 2, content: nil)
            try pass(horizon: index.head.revision, due: 0)
            try removeAll(atAge: 0)
            #expect(try stored() == [])
        }
    }

    @Test func `a damaged chunk that nothing refers to any more is not told of for ever`() throws {
        try index.transaction { () throws in
            try commit(node: 1, content: 1, chunks: [1])
            let damaged = DamagedChunk(chunk: Sample.chunk(1), location: location(1), content: nil)
            #expect(try index.quarantine(damaged))
            #expect(try index.damageCount() == (1, 0))
            try commit(node: 1, content: nil)
            try pass(horizon: index.head.revision, due: 0)
            try removeAll(atAge: 0)
            #expect(try index.damageCount() == (0, 0))
        }
    }

    @Test func `what is referred to again before its mark is due is saved`() throws {
        try index.transaction { () throws in
            try commit(node: 1, content: 1, chunks: [1, 2])
            try commit(node: 2, content: 2, chunks: [3])
            try commit(node: 3, content: 3, chunks: [4])
            for node in 1...3 as ClosedRange<UInt64> { try commit(node: node, content: nil) }
            try pass(horizon: index.head.revision, due: 100)
            #expect(try index.isMarked(Sample.content(1)))
            // As a version without its chunk list, as a list with a chunk of it, and by a reader.
            try ShareIndexRule.append(index, node: 4, try Sample.state("x", Sample.file(1), revision: 7))
            try index.putManifest(list([3]), for: Sample.content(9))
            try index.rescue(Sample.content(3))
            #expect(try !index.isMarked(Sample.content(1)))
            try removeAll(atAge: 100)
            #expect(try stored() == [1, 2, 3, 4])
        }
    }

    @Test func `what is referred to while a pass is made is not marked`() throws {
        try index.transaction { () throws in
            try commit(node: 1, content: 1, chunks: [1, 2])
            try commit(node: 2, content: 2, chunks: [3])
            for node in 1...2 as ClosedRange<UInt64> { try commit(node: node, content: nil) }
            try pass(horizon: index.head.revision, due: 0) {
                try commit(node: 5, content: 1, chunks: [1, 2])
            }
            try removeAll(atAge: 0)
            #expect(try stored() == [1, 2])
        }
    }

    @Test func `marks survive reopening, and a pass whose transaction failed is none`() throws {
        struct Refusal: Error {}
        try index.transaction { () throws in
            try commit(node: 1, content: 1, chunks: [1])
            try commit(node: 1, content: nil)
            index.beginCollecting()
        }
        #expect(throws: Refusal.self) { try index.transaction { () throws in throw Refusal() } }
        #expect(index.collectingChunks == nil)
        try index.transaction { () throws in try pass(horizon: index.head.revision, due: 5) }
        index.close()
        let again = try SQLiteShareIndex(path: directory.file("index.db")) { Epoch(high: 0, low: 0) }
        try again.transaction { () throws in
            #expect(try again.isMarked(Sample.content(1)))
            #expect(try again.removeDue(atAge: 5, limit: 10) == (1, 1))
            #expect(try again.location(Sample.chunk(1)) == nil)
        }
    }

    @Test func `the horizon follows the age, which only goes on`() throws {
        try index.transaction { () throws in
            #expect(try index.advance(byMilliseconds: 1000) == 1000)
            try commit(node: 1, content: 1, chunks: [1])
            #expect(try index.advance(byMilliseconds: 1000) == 2000)
            // A clock that was set back counts for nothing.
            #expect(try index.advance(byMilliseconds: -500) == 2000)
            try commit(node: 1, content: nil)
            #expect(try index.advance(byMilliseconds: 3000) == 5000)
            #expect(try index.horizon(atAge: -1) == .zero && index.horizon(atAge: 1999) == .zero)
            #expect(try index.horizon(atAge: 4999) == Revision(1))
            #expect(try index.horizon(atAge: 5000) == Revision(2))
        }
    }

    @Test func `a segment is given up when all that is in it was copied`() throws {
        try index.transaction { () throws in
            let places = (1...3 as ClosedRange<UInt64>).map { (Sample.chunk($0), location($0, segment: 4)) }
            try index.putLocations(places)
            #expect(try index.live(in: 4) == (3, 300))
            let copies = places.dropLast().map { (chunk: $0.0, from: $0.1, to: location(0, segment: 5)) }
            #expect(try !index.vacate(4, copies))
            #expect(try index.location(Sample.chunk(1)) == places[0].1)
            let all = places.enumerated().map { number, place in
                (chunk: place.0, from: place.1, to: location(UInt64(number), segment: 5))
            }
            let damaged = DamagedChunk(chunk: Sample.chunk(2), location: places[1].1, content: nil)
            #expect(try index.quarantine(damaged))
            #expect(try !index.vacate(4, all))
            try index.release(damaged)
            #expect(try index.vacate(4, all))
            #expect(try index.live(in: 4) == (0, 0) && index.location(Sample.chunk(2)) == all[1].to)
        }
    }
}
