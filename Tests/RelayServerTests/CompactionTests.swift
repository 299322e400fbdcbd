// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayContent
import RelayCore
import RelayServer
import RelayStorage
import RelayWire
import Testing

@Suite(.timeLimit(.minutes(2))) struct CompactionTests {
    /// Chunks that no index knows, as a hub leaves them that is killed while it copies.
    private static func unknown(_ bytes: Int, seed: UInt64) -> [(ChunkID, EncodedChunk)] {
        let piece = 60_000
        return (0..<bytes / piece).map { number in
            let bytes = TestFile.random(piece, seed: seed + UInt64(number)).bytes
            return (Hashing.chunkID(of: bytes), ChunkCodec.encode(bytes))
        }
    }

    private static func segments(beneath directory: String) throws -> String {
        let names = FileManager.default.enumerator(atPath: directory)
        while let name = names?.nextObject() as? String {
            if name.hasSuffix("/segments") { return directory + "/" + name }
        }
        throw FixtureError("there are no segments")
    }

    /// The rest of the first segment goes where dead chunks are, and only together are these worth the work.
    @Test func `what becomes worth the work by a compaction is given back by the next`() async throws {
        try await withDirectory { directory in
            let kept = TestFile.random(60_000, seed: 1)
            let author = try await withHub(directory) { hub in
                let author = try await hub.joinFully("author")
                try await author.create("kept", kept)
                try await hub.waitForReport { $0.storedBytes >= UInt64(kept.bytes.count) }
                return try hub.identity("author")
            }
            do {
                let store = try SegmentStore(
                    directory: try Self.segments(beneath: directory), limitBytes: nil)
                _ = try store.store(Self.unknown(1_200_000, seed: 100))
                store.seal(0)
                _ = try store.store(Self.unknown(1_080_000, seed: 200))
                #expect(try store.sizes().count == 2)
            }
            var configuration = HubConfiguration(
                dataDirectory: directory + "/server", host: "127.0.0.1", port: 0, storeLimitBytes: nil,
                stallMilliseconds: 10_000, inviteSeconds: 3600)
            configuration.historyRetention = .zero
            try await withHub(configuration) { hub, port in
                let test = HubUnderTest(hub: hub, port: port, directory: directory)
                let agent = HandDrivenAgent(
                    name: "author", identity: author, port: port, hub: try await test.link().hub)
                try await agent.connectControl(token: nil)
                try await test.waitForReport { $0.storedBytes < 100_000 }
            }
        }
    }
}
