// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import Testing

@testable import RelayAgent

@Suite struct TransferTests {
    private func description(_ bytes: [UInt8]) -> (Manifest, FilePayload) {
        var builder = ContentBuilder()
        builder.append(bytes)
        let found = builder.finish()
        return (
            found.manifest,
            FilePayload(
                content: found.content, sizeBytes: found.sizeBytes, mode: PermissionBits(0o644),
                modified: .zero)
        )
    }

    @Test func `a chunk list that is not the content's is refused`() throws {
        let (manifest, payload) = description(noise(500_000, seed: 11))
        #expect(ChunkLayout(manifest, of: payload) != nil)
        #expect(ChunkLayout(Manifest(manifest.chunks.dropLast()), of: payload) == nil)
        #expect(ChunkLayout(Manifest(manifest.chunks.reversed()), of: payload) == nil)
        var huge = manifest
        huge.chunks[0].sizeBytes = .max
        #expect(ChunkLayout(huge, of: payload) == nil)
        var resized = payload
        resized.sizeBytes += 1
        #expect(ChunkLayout(manifest, of: resized) == nil)
    }

    @Test func `chunks of the previous version are planned to be copied`() throws {
        let old = noise(1_000_000, seed: 12)
        let (before, _) = description(old)
        let (after, payload) = description(Array(old[..<400_000]) + noise(50_000, seed: 13) + old[400_000...])
        let layout = try #require(ChunkLayout(after, of: payload))
        let source = LocalSource(
            path: .root,
            fingerprint: Fingerprint(
                identity: FileIdentity(device: 0, inode: 0, born: .zero), sizeBytes: 1_000_000,
                modified: .zero,
                changed: .zero, mode: 0o644), manifest: before)
        let all = Array(layout.chunks.indices)
        let plan = LocalPlan(layout, missing: all, previous: source)
        #expect((plan.remote + plan.copies.map(\.index)).sorted() == all)
        #expect(plan.remote.count <= 5)
        for copy in plan.copies {
            let size = Int(layout.chunks[copy.index].sizeBytes)
            let bytes = Array(old[Int(copy.sourceOffset)..<Int(copy.sourceOffset) + size])
            #expect(Hashing.chunkID(of: bytes) == layout.chunks[copy.index].id)
        }
        #expect(LocalPlan(layout, missing: all, previous: nil).remote == all)
    }

    @Test func `requests take turns, and cancelled ones are dropped`() async {
        let queue = AskQueue()
        let content = ContentID(Bytes32(1, 2, 3, 4))
        for request in 1...3 as ClosedRange<UInt32> {
            #expect(await queue.add(.manifest(request: request, content)))
        }
        queue.cancel(2)
        queue.cancel(99)
        let first = await queue.next()
        #expect(first?.request == 1)
        if let first { queue.putBack(first) }
        #expect(await queue.next()?.request == 3)
        #expect(await queue.next()?.request == 1)
    }

    @Test func `who waits behind others is answered in its turn, and a silent hub is told`() async throws {
        let exchange = BulkExchange()
        let (inbox, other) = (BulkInbox(), BulkInbox())
        let content = ContentID(Bytes32(1, 2, 3, 4))
        _ = exchange.attach()
        let request = try #require(
            exchange.ask(inbox: inbox) { .wantManifest(request: $0, content: content) })
        let foreign = try #require(
            exchange.ask(inbox: other) { .wantManifest(request: $0, content: content) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Something comes all the time, for somebody else, for much longer than a silence may last.
            group.addTask {
                for _ in 0..<140 {
                    await pause(.milliseconds(50))
                    await exchange.receive(.waiting(request: foreign, devices: []))
                }
                await exchange.receive(.unavailable(request: request, index: nil, .notHeld))
            }
            let answers = try await exchange.nextAnswers(of: inbox, isWaiting: false, stallSeconds: 3)
            guard case .unavailable(request, nil, .notHeld)? = answers?.first else {
                Issue.record("not the expected answers: \(String(describing: answers))")
                return
            }
            try await group.waitForAll()
        }
        let error = await #expect(throws: FetchStop.self) {
            try await exchange.nextAnswers(of: inbox, isWaiting: false, stallSeconds: 0.2)
        }
        guard case .problem(let problem)? = error else {
            Issue.record("not a problem: \(String(describing: error))")
            return
        }
        #expect(problem.description.contains("does not answer"))
        inbox.finish()
        #expect(try await exchange.nextAnswers(of: inbox, isWaiting: false, stallSeconds: 0.2) == nil)
    }

    @Test func `answers reach who asked, and a lost connection is told`() async {
        let exchange = BulkExchange()
        let inbox = BulkInbox()
        let content = ContentID(Bytes32(1, 2, 3, 4))
        #expect(exchange.ask(inbox: inbox) { .wantManifest(request: $0, content: content) } == nil)
        let outbox = exchange.attach()
        #expect(await exchange.waitUntilConnected())
        let first = exchange.ask(inbox: inbox) { .wantManifest(request: $0, content: content) }
        let second = exchange.ask(inbox: inbox) { .wantManifest(request: $0, content: content) }
        #expect(await outbox.takeAll()?.count == 2)
        await exchange.receive(.unavailable(request: first ?? 0, index: nil, .notHeld))
        exchange.close(first ?? 0)
        await exchange.receive(.unavailable(request: first ?? 0, index: nil, .notHeld))
        exchange.detach()
        let answers = await inbox.takeAll() ?? []
        #expect(answers.count == 2)
        guard case .unavailable? = answers.first, case .lost(let requests)? = answers.last else {
            Issue.record("not the expected answers: \(answers)")
            return
        }
        #expect(requests == [second])
    }
}
