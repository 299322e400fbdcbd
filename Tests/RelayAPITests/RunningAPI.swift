// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import RelayAPI
import RelayControl
import RelayCore

/// A directory of its own, removed afterwards.
func withTemporaryDirectory<Result>(
    nameLength: Int = 0, _ body: (String) async throws -> Result
) async throws -> Result {
    var template = Array("/tmp/relay-api-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ControlError.failed("cannot make a directory") }
    let base = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    var path = base
    if nameLength > 0 {
        path += "/" + String(repeating: "x", count: nameLength)
        guard mkdir(path, 0o700) == 0 else { throw ControlError.failed("cannot make a directory") }
    }
    defer {
        for name in ["api.sock", "api.lock"] { unlink(path + "/" + name) }
        if path != base { rmdir(path) }
        rmdir(base)
    }
    return try await body(path)
}

/// Runs the API of a fake agent while `body` talks to it, and ends it afterwards.
func withAgentAPI(
    _ agent: FakeAgent = FakeAgent(), nameLength: Int = 0,
    _ body: (FakeAgent, ControlClient, String) async throws -> Void
) async throws {
    try await withTemporaryDirectory(nameLength: nameLength) { state in
        let server = APIServer(agent: agent, stateDirectory: state, logger: Logger(label: "test"))
        try await running(server) {
            let client = ControlClient(.agent(stateDirectory: state))
            do {
                try await body(agent, client, state)
            } catch {
                await client.shutdown()
                throw error
            }
            await client.shutdown()
        }
    }
}

/// Runs a server until `body` is through.
func running(_ server: APIServer, _ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        let (ready, source) = AsyncStream<String>.makeStream()
        group.addTask {
            defer { source.finish() }
            try await server.run { source.yield($0) }
        }
        var isReady = false
        for await _ in ready {
            isReady = true
            break
        }
        if isReady { try await body() }
        group.cancelAll()
        try await group.waitForAll()
    }
}

/// The control error that `body` throws, if it throws one.
func controlError(_ body: () async throws -> Void) async -> ControlError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? ControlError
    }
}

/// Whether the fake agent answers.
func isServed(_ client: ControlClient) async throws -> Bool {
    let report = try await client.agentStatus()
    return report == FakeAgent.report
}
