// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import RelayAPI
import RelayControl
import RelayCore
import Testing

@Suite struct SocketTests {
    @Test func `only the user can open the socket`() async throws {
        try await withAgentAPI { _, _, state in
            #expect(access(state + "/api.sock.d", F_OK) != 0)
            let mode = try permissions(state + "/api.sock")
            #expect(mode == "600")
        }
    }

    @Test func `a state directory with a long path has its socket elsewhere`() async throws {
        try await withAgentAPI(nameLength: 200) { _, client, state in
            #expect(client.socketPath.utf8.count < 108)
            #expect(!client.socketPath.hasPrefix(state))
            let served = try await isServed(client)
            #expect(served)
        }
    }

    @Test func `two processes cannot serve one state`() async throws {
        try await withAgentAPI { _, client, state in
            let second = APIServer(agent: FakeAgent(), stateDirectory: state, logger: .init(label: "test"))
            let error = await controlError { try await second.run() }
            #expect(error?.exitCode == 6)
            let served = try await isServed(client)
            #expect(served)
        }
    }

    @Test func `what a dead process left behind is replaced`() async throws {
        try await withTemporaryDirectory { state in
            for _ in 0..<2 {
                let descriptor = open(state + "/api.sock", O_CREAT | O_WRONLY, 0o600)
                close(descriptor)
                let server = APIServer(
                    agent: FakeAgent(), stateDirectory: state, logger: .init(label: "test"))
                try await running(server) {
                    let client = ControlClient(.agent(stateDirectory: state))
                    let served = try await isServed(client)
                    #expect(served)
                    await client.shutdown()
                }
                #expect(access(state + "/api.sock", F_OK) != 0)
            }
        }
    }

    @Test func `without an agent, the client says what to do`() async throws {
        let client = ControlClient(.agent(stateDirectory: "/tmp/no-such-directory"))
        let error = await controlError { _ = try await client.agentStatus() }
        #expect(
            error
                == .unreachable(
                    "no agent is running for the state /tmp/no-such-directory: start it with relay-agent FOLDER"
                ))
        await client.shutdown()
    }

    @Test func `a missing state directory is an error of the server`() async throws {
        let server = APIServer(
            agent: FakeAgent(), stateDirectory: "/tmp/no-such-directory", logger: .init(label: "test"))
        let error = await controlError { try await server.run() }
        #expect(error?.exitCode == 1)
    }

    /// The mode in octal, from `stat` the program.
    private func permissions(_ path: String) throws -> String {
        guard let pipe = popen("stat -c %a '\(path)'", "r") else { throw ControlError.failed("no stat") }
        defer { pclose(pipe) }
        var buffer = [CChar](repeating: 0, count: 16)
        fgets(&buffer, Int32(buffer.count), pipe)
        return String(decoding: buffer.prefix { $0 > 32 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
