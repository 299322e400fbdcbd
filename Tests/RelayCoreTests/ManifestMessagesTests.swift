// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

@Suite struct ManifestMessagesTests {
    private static func chunk(_ number: Int) -> ChunkReference {
        ChunkReference(id: ChunkID(Bytes32(UInt64(number), 1, 1, 1)), sizeBytes: 100)
    }

    /// What somebody makes of the messages who has the known list.
    private func list(_ messages: ManifestMessages, knowing known: KnownManifest?) throws -> [ChunkReference]
    {
        var known = known
        var chunks: [ChunkReference] = []
        for message in messages {
            switch message {
            case .manifest(7, let first, _, let part):
                #expect(Int(first) == chunks.count)
                chunks += part
            case .manifestCopy(7, let first, _, let start, let count):
                #expect(Int(first) == chunks.count)
                let taken = known?.take(from: start, count: count)
                chunks += try #require(taken)
            default: Issue.record("\(message)")
            }
        }
        return chunks
    }

    @Test func `a chunk that changed is told with its place in the other list`() {
        let known = Manifest((0..<4000).map(Self.chunk))
        var chunks = known.chunks
        chunks[1000] = Self.chunk(9999)
        let messages = Manifest(chunks).messages(request: 7, knowing: known, limit: 4096)
        #expect(
            Array(messages) == [
                .manifestCopy(request: 7, first: 0, total: 4000, start: 0, count: 1000),
                .manifest(request: 7, first: 1000, total: 4000, chunks: [Self.chunk(9999)]),
                .manifestCopy(request: 7, first: 1001, total: 4000, start: 1001, count: 2999),
            ])
    }

    @Test func `whatever changed, the list arrives`() throws {
        var generator = SeededRandom(seed: 5)
        for _ in 0..<500 {
            let known = (0..<Int.random(in: 0..<120, using: &generator)).map { _ in
                Self.chunk(Int.random(in: 0..<90, using: &generator))
            }
            var chunks = known
            for _ in 0..<Int.random(in: 0..<4, using: &generator) {
                let place = Int.random(in: 0...chunks.count, using: &generator)
                let end = Int.random(in: place...chunks.count, using: &generator)
                let moved = Array(chunks[place..<end])
                chunks.removeSubrange(place..<end)
                if Bool.random(using: &generator) {
                    chunks.insert(contentsOf: moved, at: Int.random(in: 0...chunks.count, using: &generator))
                } else {
                    chunks.append(Self.chunk(Int.random(in: 0..<180, using: &generator)))
                }
            }
            let named = KnownManifest(content: ContentID(Bytes32(1, 1, 1, 1)), manifest: Manifest(known))
            let limit = Int.random(in: 1...40, using: &generator)
            let messages = Manifest(chunks).messages(request: 7, knowing: named.manifest, limit: limit)
            #expect(try list(messages, knowing: named) == chunks)
            let whole = Manifest(chunks).messages(request: 7, knowing: nil, limit: limit)
            #expect(try list(whole, knowing: nil) == chunks)
        }
    }

    @Test func `nothing beyond the end of a list is in it, and no more is taken than it has`() {
        var known = KnownManifest(
            content: ContentID(Bytes32(1, 1, 1, 1)), manifest: Manifest((0..<3).map(Self.chunk)))
        let counts = [(1, 3), (UInt32.max, .max), (1, 2), (1, 2), (0, 1)].map { start, count in
            known.take(from: start, count: count)?.count
        }
        #expect(counts == [nil, nil, 2, nil, 1])
    }

    /// The receiver takes no more from the known list than that has.
    @Test func `what stands in a list many times arrives`() throws {
        let known = KnownManifest(
            content: ContentID(Bytes32(1, 1, 1, 1)), manifest: Manifest((0..<20).map(Self.chunk)))
        let chunks = (0..<5).flatMap { _ in known.manifest.chunks }
        let messages = Manifest(chunks).messages(request: 7, knowing: known.manifest, limit: 30)
        #expect(try list(messages, knowing: known) == chunks)
    }

    @Test func `an empty list is one message`() {
        let messages = Manifest([]).messages(request: 7, knowing: nil, limit: 30)
        #expect(Array(messages) == [.manifest(request: 7, first: 0, total: 0, chunks: [])])
    }
}
