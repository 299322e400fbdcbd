// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import RelayAPI
import RelayControl
import RelayCore
import Synchronization
import Testing

@Suite struct AgentAPITests {
    private func path(_ text: String) throws -> RelativePath {
        try #require(RelativePath(bytes: Array(text.utf8)))
    }

    @Test func `the status is the agent's report`() async throws {
        try await withAgentAPI { _, client, _ in
            let report = try await client.agentStatus()
            #expect(report == FakeAgent.report)
        }
    }

    @Test func `a comparison answers with a report for each folder`() async throws {
        try await withAgentAPI { _, client, _ in
            let expected = [VerificationReport(path: "/home/ann/docs", share: "docs")]
            let (all, one) = (try await client.verify(share: nil), try await client.verify(share: "docs"))
            #expect(all == expected && one == expected)
            await #expect(throws: ControlError.notFound("no share other")) {
                try await client.verify(share: "other")
            }
        }
    }

    @Test func `what is uploaded is listed, read, and gone after a delete`() async throws {
        try await withAgentAPI { agent, client, _ in
            let name = try path("docs/plan.md")
            let time = Timestamp(seconds: -5, nanoseconds: 250_000_000)
            let once = Portions([Array("hello".utf8), Array(" world".utf8)])
            try await client.upload(
                share: nil, path: name, mode: PermissionBits(0o750), modified: time, sizeBytes: 11,
                from: { () throws(ControlError) in once.next() })
            let file = agent.files.withLock { $0[name.bytes] }
            #expect(
                file == .init(bytes: Array("hello world".utf8), mode: PermissionBits(0o750), modified: time))

            let entries = try await client.list(share: "docs", path: try path("docs"))
            #expect(entries.map(\.path) == ["docs/plan.md"])
            #expect(entries.first?.mode == "0750")

            var head: ContentHead?
            var bytes: [UInt8] = []
            try await client.read(
                share: nil, path: name, timeoutSeconds: 5, open: { head = $0 }, take: { bytes += $0 })
            #expect(head == ContentHead(sizeBytes: 11, mode: PermissionBits(0o750), modified: time))
            #expect(bytes == Array("hello world".utf8))

            try await client.delete(share: nil, path: name)
            #expect(try await client.list(share: nil, path: .root).isEmpty)
        }
    }

    @Test func `names are bytes all the way`() async throws {
        try await withAgentAPI { agent, client, _ in
            let bytes = (1...255).map { UInt8($0) }.filter { $0 != 0x2f }
            let name = try #require(RelativePath(bytes: bytes))
            let none = Portions([])
            try await client.upload(
                share: nil, path: name, mode: PermissionBits(0o644), modified: nil, sizeBytes: 0,
                from: { () throws(ControlError) in none.next() })
            #expect(agent.files.withLock { $0.keys.first } == bytes)
            #expect(try await client.list(share: nil, path: name).count == 1)
            var head: ContentHead?
            try await client.read(
                share: nil, path: name, timeoutSeconds: nil, open: { head = $0 }, take: { _ in })
            #expect(head?.sizeBytes == 0)
        }
    }

    @Test func `a large content arrives whole both ways`() async throws {
        try await withAgentAPI { agent, client, _ in
            let name = try path("large")
            let portion = (0..<250_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let source = Portions(Array(repeating: portion, count: 40))
            try await client.upload(
                share: nil, path: name, mode: PermissionBits(0o644), modified: nil, sizeBytes: nil,
                from: { () throws(ControlError) in source.next() })
            #expect(agent.files.withLock { $0[name.bytes]?.bytes.count } == 10_000_000)
            var received: [UInt8] = []
            try await client.read(
                share: nil, path: name, timeoutSeconds: nil, open: { _ in }, take: { received += $0 })
            #expect(received == Array(repeating: portion, count: 40).flatMap { $0 })
        }
    }

    @Test func `a download that nobody reads is not read further by the agent`() async throws {
        try await withAgentAPI { agent, _, state in
            let name = try path("large")
            let size = 64 << 20
            agent.files.withLock {
                $0[name.bytes] = .init(
                    bytes: [UInt8](repeating: 7, count: size), mode: PermissionBits(0o644), modified: nil)
            }
            let socket = try RawSocket(state + "/api.sock")
            socket.write("GET /v1/content?path=large HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(await socket.readSome().hasPrefix("HTTP/1.1 200 "))
            socket.close()
            await agent.cancelled.fired()
            #expect(agent.takenBytes.withLock { $0 } < size / 2)
        }
    }

    @Test func `a content that breaks off is an error, not a short file`() async throws {
        try await withAgentAPI { agent, client, _ in
            let name = try path("broken")
            agent.files.withLock {
                $0[name.bytes] = .init(
                    bytes: [UInt8](repeating: 7, count: 200_000), mode: PermissionBits(0o644), modified: nil)
            }
            let error = await controlError {
                try await client.read(
                    share: nil, path: name, timeoutSeconds: nil, open: { _ in }, take: { _ in })
            }
            guard case .failed(let text) = error else {
                Issue.record("unexpected: \(String(describing: error))")
                return
            }
            #expect(text.hasPrefix("broken broke off after"))
        }
    }

    @Test func `errors arrive as they were thrown`() async throws {
        try await withAgentAPI { _, client, _ in
            let missing = try path("missing")
            let none = Portions([])
            #expect(
                await controlError { _ = try await client.list(share: "other", path: .root) }
                    == .notFound("no share other"))
            #expect(
                await controlError { try await client.delete(share: nil, path: missing) }
                    == .notFound("no such file: missing"))
            #expect(
                await controlError { try await client.wait(share: nil, timeoutSeconds: 0) }
                    == .timedOut("not in sync after 0 s"))
            #expect(
                await controlError {
                    _ = try await client.download(share: nil, path: missing, timeoutSeconds: nil)
                } == .notFound("no such file: missing"))
            #expect(
                await controlError {
                    try await client.read(
                        share: nil, path: missing, timeoutSeconds: nil, open: { _ in }, take: { _ in })
                } == .notFound("no such file: missing"))
            let own = try path(".relay/root")
            #expect(
                await controlError {
                    try await client.upload(
                        share: nil, path: own, mode: PermissionBits(0o644), modified: nil, sizeBytes: 0,
                        from: { () throws(ControlError) in none.next() })
                } == .refused(".relay/root is Relay's own"))
        }
    }

    @Test func `an error of the source ends the upload, and nothing is kept`() async throws {
        try await withAgentAPI { agent, client, _ in
            let name = try path("changing")
            let source = Portions([Array("half".utf8)])
            let error = await controlError {
                try await client.upload(
                    share: nil, path: name, mode: PermissionBits(0o644), modified: nil, sizeBytes: 8,
                    from: { () throws(ControlError) in
                        guard let bytes = source.next() else {
                            throw .failed("changing changed while it was read")
                        }
                        return bytes
                    })
            }
            #expect(error == .failed("changing changed while it was read"))
            await agent.brokenUploads.fired()
            #expect(agent.files.withLock { $0.isEmpty })
        }
    }

    @Test(arguments: ["content-length: 10\r\n\r\nhalf", "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"])
    func `an upload whose client dies is never taken for a short file`(rest: String) async throws {
        try await withAgentAPI { agent, _, state in
            let socket = try RawSocket(state + "/api.sock")
            socket.write("PUT /v1/content?path=x HTTP/1.1\r\nhost: x\r\n" + rest)
            socket.close()
            await agent.brokenUploads.fired()
            #expect(agent.files.withLock { $0.isEmpty })
        }
    }

    @Test func `directories are made and brought`() async throws {
        try await withAgentAPI { agent, client, _ in
            try await client.makeDirectory(share: nil, path: try path("a/b"))
            #expect(agent.directories.withLock { $0 } == [Array("a/b".utf8)])
            agent.files.withLock { $0[[0x78]] = .init(bytes: [], mode: PermissionBits(0), modified: nil) }
            let place = try await client.download(share: nil, path: try path("x"), timeoutSeconds: 1)
            #expect(place == "/home/ann/docs/x")
        }
    }

    @Test func `a share is left, and forced only if that is said`() async throws {
        try await withAgentAPI { _, client, _ in
            #expect(
                await controlError { _ = try await client.leave(share: "docs", isForced: false) }
                    == .refused("needed"))
            let report = try await client.leave(share: "docs", isForced: true)
            #expect(report.path == "/docs" && report.share == "docs" && report.returned == ["f"])
            #expect(report.untold == nil && report.remark == nil)
        }
    }

    @Test func `a wait ends in the agent when its client goes away`() async throws {
        try await withAgentAPI { agent, client, _ in
            let waiter = Task { try await client.wait(share: nil, timeoutSeconds: nil) }
            await agent.waiting.fired()
            waiter.cancel()
            _ = await waiter.result
            await agent.cancelled.fired()
        }
    }

    @Test func `ending the API ends what waits in it`() async throws {
        try await withTemporaryDirectory { state in
            let agent = FakeAgent()
            let server = APIServer(agent: agent, stateDirectory: state, logger: .init(label: "test"))
            let client = ControlClient(.agent(stateDirectory: state))
            var waiter: Task<Void, any Error>?
            try await running(server) {
                _ = try await client.agentStatus()
                waiter = Task { try await client.wait(share: nil, timeoutSeconds: nil) }
                await agent.waiting.fired()
            }
            await agent.cancelled.fired()
            #expect(await controlError { try await waiter?.value } != nil)
            await client.shutdown()
        }
    }
}

/// Portions that are given out one by one.
final class Portions: @unchecked Sendable {  // Safe: one upload pulls at a time.
    private var rest: ArraySlice<[UInt8]>
    init(_ portions: [[UInt8]]) { rest = portions[...] }
    func next() -> [UInt8]? { rest.popFirst() }
}
