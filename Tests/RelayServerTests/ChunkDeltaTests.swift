// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import Testing

/// What a hub asks and answers of a large content of which a little changed.
@Suite(.timeLimit(.minutes(1))) struct ChunkDeltaTests {
    private let first = TestFile.random(5 << 20, seed: 1)

    private func edited(_ file: TestFile, at place: Int) -> TestFile {
        var bytes = file.bytes
        bytes[place] ^= 1
        return TestFile(bytes)
    }

    /// The index of the only chunk that the second version does not share with the first, in both.
    private func changed(_ second: TestFile, since first: TestFile) throws -> Int {
        let known = Set(first.manifest.chunks)
        let changed = second.manifest.chunks.indices.filter { !known.contains(second.manifest.chunks[$0]) }
        #expect(changed.count == 1 && second.chunkCount == first.chunkCount)
        return try #require(changed.first)
    }

    private func signature(of file: TestFile, _ index: Int) throws -> [UInt8] {
        let bytes = try ChunkCodec.decode(file.encoded(index))
        return try #require(ChunkSignature(of: bytes)).encoded
    }

    /// Serves the hub until it has asked for all chunks, and waits until they are stored.
    private func store(_ author: HandDrivenAgent, _ hub: HubUnderTest) async throws {
        var served = 0
        while served < first.chunkCount {
            let message = try await author.nextBulk()
            if case .wantChunks(_, _, let wants) = message { served += wants.count }
            try await author.holder(of: first).serve(message)
        }
        try await hub.waitForReport { $0.storedBytes >= UInt64(first.bytes.count) }
    }

    /// Tells the hub the chunk list of the next version; returns its request for the chunk that changed.
    private func ask(
        _ author: HandDrivenAgent, for file: TestFile, since former: TestFile
    ) async throws -> (request: UInt32, want: ChunkWant) {
        guard case .wantManifest(let list, file.content, former.content) = try await author.nextBulk() else {
            throw FixtureError("no chunk list is asked for")
        }
        for part in file.manifest.messages(request: list, knowing: former.manifest, limit: 4096) {
            try await author.sendBulk(part)
        }
        return try await ask(author, for: file)
    }

    private func ask(
        _ author: HandDrivenAgent, for file: TestFile
    ) async throws -> (request: UInt32, want: ChunkWant) {
        guard case .wantChunks(let request, file.content, let wants) = try await author.nextBulk() else {
            throw FixtureError("no chunk is asked for")
        }
        #expect(wants.count == 1)
        return (request, try #require(wants.first))
    }

    /// The hub has the first version, and its author has committed the second.
    private func withVersions(
        _ second: TestFile,
        _ body: (_ author: HandDrivenAgent, _ reader: HandDrivenAgent) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let author = try await hub.joinFully("author")
                let reader = try await hub.joinFully("reader")
                try await author.create("large", first)
                let record = try #require(try await reader.changes().records.first)
                try await store(author, hub)
                try await author.commit(
                    [.change(node: record.node, payload: second.payload, basedOn: record.revision)],
                    offers: [second.offer])
                try await body(author, reader)
            }
        }
    }

    @Test func `a chunk of a next version is asked for, and given, as a difference`() async throws {
        let second = edited(first, at: 3_000_000)
        let index = try changed(second, since: first)
        try await withVersions(second) { author, reader in
            let asked = try await ask(author, for: second, since: first)
            #expect(Int(asked.want.index) == index)
            #expect(asked.want.signature == (try signature(of: first, index)))
            let answer = ChunkDelta.answer(to: asked.want, request: asked.request, second.encoded(index))
            guard case .chunkDelta = answer else { throw FixtureError("no difference") }
            try await author.sendBulk(answer)
            // A reader that tells of nothing has the chunk as it is.
            try await reader.want(second, [index])
            try await reader.receive(second, count: 1)
            var want = second.want(index)
            want.signature = try signature(of: first, index)
            try await reader.sendBulk(
                .wantChunks(request: 77, content: second.content, wants: [want]))
            guard case .chunkDelta(77, UInt32(index), let delta) = try await reader.nextBulk() else {
                throw FixtureError("no difference")
            }
            #expect(delta.bytes.count < 3000)
            let base = try ChunkCodec.decode(first.encoded(index))
            let bytes = try ChunkDelta.apply(delta, to: base, verifying: want.chunk)
            #expect(ChunkCodec.encode(bytes) == second.encoded(index))
            // So has one that tells of what helps nothing, or of what is no signature.
            for signature in [try signature(of: first, index + 1), [1, 2, 3, 4, 5]] {
                want.signature = signature
                try await reader.sendBulk(
                    .wantChunks(request: 78, content: second.content, wants: [want]))
                try await reader.receive(second, count: 1)
            }
        }
    }

    @Test func `who answers with differences that nobody asked for is asked no more`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let author = try await hub.joinFully("author")
                let reader = try await hub.joinFully("reader")
                let file = TestFile.random(200_000, seed: 9)
                try await author.create("f", file)
                let request = try await reader.want(file, [0])
                let asked = try await ask(author, for: file)
                #expect(asked.want.signature == [])
                let nothing = EncodedChunk(encoding: .raw, sizeBytes: 1, bytes: [3])
                try await author.sendBulk(
                    .chunkDelta(request: asked.request, index: asked.want.index, nothing))
                #expect(
                    try await reader.nextBulk() == .unavailable(request: request, index: 0, .notHeld))
            }
        }
    }

    @Test func `after a difference that is wrong the chunk is asked for as it is`() async throws {
        let second = edited(first, at: 3_000_000)
        let index = try changed(second, since: first)
        try await withVersions(second) { author, reader in
            let asked = try await ask(author, for: second, since: first)
            let other = edited(first, at: 3_000_001)
            let wrong = ChunkDelta.answer(to: asked.want, request: asked.request, other.encoded(index))
            try await author.sendBulk(wrong)
            let again = try await ask(author, for: second)
            #expect(again.want == second.want(index))
            try await author.sendBulk(
                .chunk(request: again.request, index: again.want.index, second.encoded(index)))
            try await reader.want(second, [index])
            try await reader.receive(second, count: 1)
        }
    }
}
