// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import RelayServer
import RelayWire
import Testing

@Suite(.timeLimit(.minutes(3))) struct ContentTests {
    @Test func `a large content is asked of its author, and others have it while it is on its way`()
        async throws
    {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let author = try await hub.joinFully("author")
                let reader = try await hub.joinFully("reader")
                let file = TestFile.random(5 << 20, seed: 1)
                #expect(file.chunkCount > ContentLimits.inlineChunks)
                try await author.create("large", file)
                _ = try await reader.changes()
                let request = try await reader.wantManifest(file.content)
                // The author gives the chunk list, then a single chunk: the reader has it at once.
                try await author.serveOne(file)
                try await reader.receiveManifest(of: file, request)
                guard case .wantChunks(let asked, _, let wants) = try await author.nextBulk() else {
                    throw FixtureError("no chunks are asked for")
                }
                let first = try #require(wants.first)
                try await reader.want(file, [Int(first.index)])
                try await author.sendBulk(
                    .chunk(request: asked, index: first.index, file.encoded(Int(first.index))))
                try await reader.receive(file, count: 1)
                // The rest comes once, and is in the store then.
                for want in wants.dropFirst() {
                    try await author.sendBulk(
                        .chunk(request: asked, index: want.index, file.encoded(Int(want.index))))
                }
                let holder = try author.holder(of: file)
                async let served: Void = holder.run()
                try await reader.want(file, 0..<file.chunkCount)
                try await reader.receive(file, count: file.chunkCount)
                try await hub.waitForReport { $0.storedBytes >= UInt64(file.bytes.count) }
                await author.disconnect()
                await served
                try await reader.want(file, 0..<file.chunkCount)
                try await reader.receive(file, count: file.chunkCount)
            }
        }
    }

    @Test func `a hub without a store relays from the author and keeps nothing`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let author = try await hub.joinFully("author")
                let reader = try await hub.joinFully("reader")
                let small = TestFile.text("small")
                let large = TestFile.random(1 << 20, seed: 2)
                try await author.create("small", small)
                // Whoever is online has the small content from the feed.
                #expect(try await reader.changes().offers == [small.offer])
                try await author.create("large", large)
                for (file, index) in [(small, 0), (large, 1), (small, 0)] {
                    try await reader.want(file, [index])
                    try await author.serveOne(file)
                    try await reader.receive(file, count: 1)
                }
                #expect(await hub.hub.status().shares.first?.storedBytes == 0)
            }
        }
    }

    @Test func `several who want a chunk are one request to its holder`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let author = try await hub.joinFully("author")
                let file = TestFile.random(100_000, seed: 3)
                try await author.create("f", file)
                var readers: [HandDrivenAgent] = []
                for number in 0..<3 { readers.append(try await hub.joinFully("reader \(number)")) }
                try await readers[0].want(file, [0])
                guard case .wantChunks(let request, _, let wants) = try await author.nextBulk() else {
                    throw FixtureError("not asked")
                }
                #expect(wants == [file.want(0)])
                for reader in readers.dropFirst() { try await reader.want(file, [0]) }
                // Their wants are taken in before their answers to an unknown content's.
                for reader in readers.dropFirst() {
                    _ = try await reader.wantManifest(ContentID(Bytes32(1, 2, 3, 4)))
                    guard case .unavailable(_, nil, .unknown) = try await reader.nextBulk() else {
                        throw FixtureError("not unknown")
                    }
                }
                try await author.sendBulk(.chunk(request: request, index: 0, file.encoded(0)))
                for reader in readers { try await reader.receive(file, count: 1) }
            }
        }
    }

    @Test func `one who lies is passed over`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let honest = try await hub.joinFully("honest")
                let liar = try await hub.joinFully("liar")
                let file = TestFile.random(200_000, seed: 4)
                let other = TestFile.random(200_000, seed: 5)
                try await honest.create("f", file)
                // The newest author is asked first.
                try await liar.create("g", file)
                let reader = try await hub.joinFully("reader")
                try await reader.want(file, [0, 1])
                guard case .wantChunks(let request, _, let wants) = try await liar.nextBulk() else {
                    throw FixtureError("not asked")
                }
                #expect(wants.count == 2)
                try await liar.sendBulk(.chunk(request: request, index: 0, other.encoded(0)))
                try await honest.serveOne(file)
                try await liar.sendBulk(.unavailable(request: request, index: 1, .notHeld))
                try await honest.serveOne(file)
                try await reader.receive(file, count: 2)
            }
        }
    }

    @Test func `who sends a chunk wrong is asked once more, and not for ever`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let liar = try await hub.joinFully("liar")
                let file = TestFile.random(200_000, seed: 4)
                let other = TestFile.random(200_000, seed: 5)
                try await liar.create("f", file)
                let reader = try await hub.joinFully("reader")
                let request = try await reader.want(file, [0])
                for _ in 0..<2 {
                    guard case .wantChunks(let asked, _, _) = try await liar.nextBulk() else {
                        throw FixtureError("not asked")
                    }
                    try await liar.sendBulk(.chunk(request: asked, index: 0, other.encoded(0)))
                }
                #expect(
                    try await reader.nextBulk() == .unavailable(request: request, index: 0, .notHeld))
            }
        }
    }

    @Test func `a wrong chunk list is not taken for the content's`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let honest = try await hub.joinFully("honest")
                let liar = try await hub.joinFully("liar")
                let file = TestFile.random(5 << 20, seed: 6)
                try await honest.create("f", file)
                try await liar.create("g", file)
                let reader = try await hub.joinFully("reader")
                let request = try await reader.wantManifest(file.content)
                guard case .wantManifest(let asked, _, _) = try await liar.nextBulk() else {
                    throw FixtureError("not asked")
                }
                try await liar.sendBulk(
                    .manifest(
                        request: asked, first: 0, total: 1, chunks: TestFile.text("x").manifest.chunks))
                try await honest.serveOne(file)
                try await reader.receiveManifest(of: file, request)
            }
        }
    }

    @Test func `who falls silent is followed by the next holder`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0, stallMilliseconds: 3000) { hub in
                let willing = try await hub.joinFully("willing")
                let silent = try await hub.joinFully("silent")
                let file = TestFile.random(150_000, seed: 7)
                try await willing.create("f", file)
                try await silent.create("g", file)
                let reader = try await hub.joinFully("reader")
                try await reader.want(file, [0])
                guard case .wantChunks(let request, _, _) = try await silent.nextBulk() else {
                    throw FixtureError("not asked")
                }
                let holder = try willing.holder(of: file)
                async let served: Void = holder.run()
                try await reader.receive(file, count: 1)
                guard case .cancel(request) = try await silent.nextBulk() else {
                    throw FixtureError("not cancelled")
                }
                await willing.disconnect()
                await served
            }
        }
    }

    @Test func `what nobody online has is waited for by name, and comes when the device is back`()
        async throws
    {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let author = try await hub.joinFully("laptop")
                let file = TestFile.random(5 << 20, seed: 8)
                try await author.create("f", file)
                let reader = try await hub.joinFully("reader")
                await author.disconnect()
                try await hub.waitForReport { $0.devices.filter(\.isOnline).count == 1 }
                let request = try await reader.wantManifest(file.content)
                guard case .waiting(request, ["laptop"]) = try await reader.nextBulk() else {
                    throw FixtureError("not told for whom")
                }
                try await author.connectBulk()
                try await author.serveOne(file)
                try await reader.receiveManifest(of: file, request)
                await author.disconnect()
                let chunks = try await reader.want(file, 0..<file.chunkCount)
                // The hub may still ask for the chunks of the manifest's first want; only the names matter.
                guard case .waiting(chunks, ["laptop"]) = try await reader.nextBulk() else {
                    throw FixtureError("not told for whom")
                }
                try await author.connectBulk()
                let holder = try author.holder(of: file)
                async let served: Void = holder.run()
                try await reader.receive(file, count: file.chunkCount)
                await author.disconnect()
                await served
            }
        }
    }

    @Test func `a request that is cancelled is taken back from its holder`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let author = try await hub.joinFully("author")
                let file = TestFile.random(150_000, seed: 9)
                try await author.create("f", file)
                let reader = try await hub.joinFully("reader")
                let request = try await reader.want(file, 0..<file.chunkCount)
                // In one request or in several: what is looked up sooner may be asked for sooner.
                var asked: Set<UInt32> = []
                var chunks = 0
                while chunks < file.chunkCount {
                    guard case .wantChunks(let request, _, let wants) = try await author.nextBulk() else {
                        throw FixtureError("not asked")
                    }
                    asked.insert(request)
                    chunks += wants.count
                }
                try await reader.sendBulk(.cancel(request: request))
                while !asked.isEmpty {
                    guard case .cancel(let request) = try await author.nextBulk(),
                        asked.remove(request) != nil
                    else { throw FixtureError("not cancelled") }
                }
                try await reader.want(file, [0])
                try await author.serveOne(file)
                try await reader.receive(file, count: 1)
            }
        }
    }

    @Test func `contents are given by reference, never for knowing a name`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.joinFully("agent")
                let file = TestFile.random(200_000, seed: 10)
                let secret = TestFile.random(200_000, seed: 11)
                try await agent.create("f", file, offering: true)
                let reader = try await hub.joinFully("reader")
                let manifest = try await reader.wantManifest(secret.content)
                guard case .unavailable(manifest, nil, .unknown) = try await reader.nextBulk() else {
                    throw FixtureError("a content that no version has")
                }
                try await reader.want(secret, [0])
                guard case .unavailable(_, nil, .unknown) = try await reader.nextBulk() else {
                    throw FixtureError("a chunk of a content that no version has")
                }
                let wrong = ChunkWant(index: 0, chunk: secret.manifest.chunks[0], offset: 0)
                try await reader.sendBulk(.wantChunks(request: 99, content: file.content, wants: [wrong]))
                guard case .unavailable(99, 0, .unknown) = try await reader.nextBulk() else {
                    throw FixtureError("a chunk of another content")
                }
            }
        }
    }

    @Test func `a store with little room keeps what fits, and relays the rest`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 700_000) { hub in
                let author = try await hub.joinFully("author")
                let file = TestFile.random(2 << 20, seed: 12)
                try await author.create("f", file)
                let holder = try author.holder(of: file)
                async let served: Void = holder.run()
                let reader = try await hub.joinFully("reader")
                for _ in 0..<2 {
                    try await reader.want(file, 0..<file.chunkCount)
                    try await reader.receive(file, count: file.chunkCount)
                }
                let stored = try #require(await hub.hub.status().shares.first?.storedBytes)
                #expect(stored > 100_000 && stored <= 700_000)
                await author.disconnect()
                await served
            }
        }
    }

    @Test func `a content that its author could not give before comes when the author is back`() async throws
    {
        try await withDirectory { directory in
            let file = TestFile.random(3 << 20, seed: 13)
            try await withHub(directory) { hub in
                let author = try await hub.join("author")
                try await author.subscribe(nil)
                try await author.create("f", file)
            }
            // The hub that starts sees from its index what is missing.
            try await withHub(directory) { hub in
                let author = try await hub.member("author")
                try await author.connectBulk()
                let holder = try author.holder(of: file)
                async let served: Void = holder.run()
                try await hub.waitForReport { $0.storedBytes >= UInt64(file.bytes.count) }
                await author.disconnect()
                await served
            }
        }
    }

    @Test func `a damaged chunk is healed from a device`() async throws {
        try await withDirectory { directory in
            let file = TestFile.random(300_000, seed: 14)
            try await withHub(directory) { hub in
                let author = try await hub.joinFully("author")
                try await author.create("f", file)
                let holder = try author.holder(of: file)
                async let served: Void = holder.run()
                try await hub.waitForReport { $0.storedBytes >= UInt64(file.bytes.count) }
                await author.disconnect()
                await served
                try self.damage(file.encoded(1).bytes, in: directory)
                let reader = try await hub.joinFully("reader")
                try await reader.want(file, 0..<file.chunkCount)
                let bulk = try #require(reader.bulk)
                for _ in 0..<file.chunkCount - 1 {
                    guard case .chunk(_, let index, let chunk) = try await Self.nextAnswer(bulk) else {
                        throw FixtureError("no chunk")
                    }
                    #expect(chunk == file.encoded(Int(index)))
                }
                guard case .waiting(_, ["author"]) = try await Self.nextAnswer(bulk) else {
                    throw FixtureError("not waiting")
                }
                async let answer = Self.nextAnswer(bulk)
                try await author.connectBulk()
                try await author.serveOne(file)
                guard case .chunk(_, 1, file.encoded(1)) = try await answer else {
                    throw FixtureError("not healed")
                }
            }
        }
    }

    /// The next answer to a device, which has nothing that the hub asks it for on its own behalf.
    private static func nextAnswer(_ bulk: Bulk) async throws -> BulkMessage {
        while let message = try await bulk.next() {
            switch message {
            case .wantChunks(let request, _, _):
                try await bulk.send(.unavailable(request: request, index: nil, .notHeld))
            case .cancel: continue
            default: return message
            }
        }
        throw FixtureError("the hub closed bulk")
    }

    @Test func `a device that goes away in the middle harms nobody`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 1 << 20) { hub in
                let author = try await hub.joinFully("author")
                let file = TestFile.random(2 << 20, seed: 15)
                try await author.create("f", file)
                let holder = try author.holder(of: file)
                async let served: Void = holder.run()
                let hasty = try await hub.joinFully("hasty")
                let patient = try await hub.joinFully("patient")
                for round in 0..<20 {
                    let request = try await hasty.want(file, 0..<file.chunkCount)
                    try await patient.want(file, 0..<file.chunkCount)
                    try await hasty.receive(file, count: round % 4)
                    try await hasty.sendBulk(.cancel(request: request))
                    if round % 2 == 0 { await hasty.bulk?.close() }
                    try await patient.receive(file, count: file.chunkCount)
                    try await hasty.connectBulk()
                }
                await author.disconnect()
                await served
            }
        }
    }

    /// Flips a bit of these bytes wherever they lie in the store.
    private func damage(_ bytes: [UInt8], in directory: String) throws {
        let root = URL(fileURLWithPath: directory + "/server/shares")
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        for case let file as URL in files where file.path.contains("/segments/") {
            var content = try Data(contentsOf: file)
            guard let place = content.range(of: Data(bytes)) else { continue }
            content[place.lowerBound + 7] ^= 1
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: content)
            try handle.close()
            return
        }
        throw FixtureError("the chunk is not in the store")
    }
}
