// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct ChunkListTests {
    @Test func `of the chunk list of a next version only what changed crosses either link`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let author = try await hub.joinFully("author")
                let reader = try await hub.joinFully("reader")
                let first = TestFile.random(8 << 20, seed: 1)
                var bytes = first.bytes
                bytes[4 << 20] ^= 1
                let second = TestFile(bytes)
                try await author.create("large", first)
                let record = try #require(try await reader.changes().records.first)
                let request = try await reader.wantManifest(first.content)
                try await author.serveOne(first)
                try await reader.receiveManifest(of: first, request)
                try await author.commit(
                    [.change(node: record.node, payload: second.payload, basedOn: record.revision)],
                    offers: [second.offer])
                let next = try await reader.wantManifest(second.content, knowing: first.content)
                guard
                    case .wantManifest(let asked, second.content, first.content) =
                        try await author.nextBulk()
                else { throw FixtureError("not asked in terms of the first version") }
                let parts = second.manifest.messages(request: asked, knowing: first.manifest, limit: 4096)
                for part in parts { try await author.sendBulk(part) }
                let expected = Array(
                    second.manifest.messages(request: next, knowing: first.manifest, limit: 4096))
                for part in expected { #expect(try await reader.nextBulk() == part) }
                #expect(expected.count <= 3)
            }
        }
    }
}
