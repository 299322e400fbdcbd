// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayContent
import RelayCore
import RelayFolder
import Testing

@testable import RelayAgent

/// Fetching a version of which a little changed, from a hub that is played by the test.
@Suite(.timeLimit(.minutes(1))) struct ChunkFetchTests {
    private struct Version {
        let bytes: [UInt8]
        let manifest: Manifest
        let payload: FilePayload

        init(_ bytes: [UInt8]) {
            var builder = ContentBuilder()
            builder.append(bytes)
            let found = builder.finish()
            self.bytes = bytes
            manifest = found.manifest
            payload = FilePayload(
                content: found.content, sizeBytes: found.sizeBytes, mode: PermissionBits(0o644),
                modified: .zero)
        }

        func chunk(_ want: ChunkWant) -> EncodedChunk {
            ChunkCodec.encode(Array(bytes[Int(want.offset)...].prefix(Int(want.chunk.sizeBytes))))
        }
    }

    /// Stages `new` where `old` is in the folder; `answer` plays the hub. Returns what was asked for.
    private func stage(
        _ new: Version, over old: Version, _ answer: @escaping @Sendable (UInt32, ChunkWant) -> BulkAnswer
    ) async throws -> [ChunkWant] {
        let directory = "/tmp/relay-fetch-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let folder = try SharedFolder.open(directory, expecting: nil, create: false)
        try Data(old.bytes).write(to: URL(fileURLWithPath: directory + "/file"))
        let path = RelativePath.root.appending(try #require(EntryName("file")))
        let read = folder.read(ReadRequest(node: NodeID(high: 1, low: 1), path: path, isInsisting: false))
        guard case .content(_, let fingerprint, _) = read.outcome else { throw CocoaError(.fileReadUnknown) }
        let exchange = BulkExchange()
        let outbox = exchange.attach()
        let tools = FetchTools(
            folder: folder, exchange: exchange, pool: BlockingPool(label: "relay.test", width: 2))
        let hub = Task {
            var asked: [ChunkWant] = []
            while let messages = await outbox.takeAll() {
                for case .wantChunks(let request, _, let wants) in messages {
                    asked += wants
                    for want in wants { await exchange.receive(answer(request, want)) }
                }
            }
            return asked
        }
        let request = StageRequest(
            node: NodeID(high: 1, low: 1), payload: new.payload, manifest: new.manifest, inline: nil,
            twin: nil,
            previous: LocalSource(path: path, fingerprint: fingerprint, manifest: old.manifest))
        let job = StageJob(request: request, tools: tools, places: Permits(1)) { _ in }
        guard case .ready = await job.run() else { throw CocoaError(.fileWriteUnknown) }
        let staged = try folder.stage(
            node: request.node, content: new.payload.content, sizeBytes: new.payload.sizeBytes)
        #expect(try staged.read(at: 0, count: new.bytes.count + 1) == new.bytes)
        staged.close()
        exchange.detach()
        return await hub.value
    }

    private func versions() -> (old: Version, new: Version) {
        let bytes = noise(1_000_000, seed: 12)
        var edited = bytes
        edited[500_000] ^= 1
        return (Version(bytes), Version(edited))
    }

    @Test func `a chunk that changed a little is taken as a difference`() async throws {
        let (old, new) = versions()
        let asked = try await stage(new, over: old) { request, want in
            guard
                case .chunkDelta(_, let index, let delta) = ChunkDelta.answer(
                    to: want, request: request, new.chunk(want))
            else { return .unavailable(request: request, index: nil, .failed) }
            return .chunk(request: request, index: index, delta, isDelta: true)
        }
        #expect(asked.count == 1)
    }

    @Test func `after a difference that is wrong, the chunk is taken as it is`() async throws {
        let (old, new) = versions()
        let asked = try await stage(new, over: old) { request, want in
            guard want.signature.isEmpty else {
                let nothing = EncodedChunk(encoding: .raw, sizeBytes: 3, bytes: [1, 2, 3])
                return .chunk(request: request, index: want.index, nothing, isDelta: true)
            }
            return .chunk(request: request, index: want.index, new.chunk(want), isDelta: false)
        }
        #expect(asked.map(\.signature.isEmpty) == [false, true])
    }

    @Test func `a hub that knows of no differences sends the chunk`() async throws {
        let (old, new) = versions()
        let asked = try await stage(new, over: old) { request, want in
            .chunk(request: request, index: want.index, new.chunk(want), isDelta: false)
        }
        #expect(asked.count == 1)
    }
}
