// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import RelayCore
import RelayServer
import RelayWire
import Testing

/// A directory of the test's own, removed afterwards.
func withDirectory<T>(_ body: (String) async throws -> T) async throws -> T {
    let path = FileManager.default.temporaryDirectory.path + "/relay-server-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

/// A hub over a directory, while the body runs: real files, real TLS on a free port of loopback.
func withHub<T: Sendable>(
    _ directory: String, storeLimitBytes: UInt64? = nil, stallMilliseconds: Int64 = 10_000,
    inviteSeconds: Int64 = 3600, _ body: (HubUnderTest) async throws -> T
) async throws -> T {
    let configuration = HubConfiguration(
        dataDirectory: directory + "/server", host: "127.0.0.1", port: 0, storeLimitBytes: storeLimitBytes,
        stallMilliseconds: stallMilliseconds, inviteSeconds: inviteSeconds)
    return try await withHub(configuration) { hub, port in
        try await body(HubUnderTest(hub: hub, port: port, directory: directory))
    }
}

func withHub<T: Sendable>(
    _ configuration: HubConfiguration, _ body: (Hub, Int) async throws -> T
) async throws -> T {
    let (ports, announced) = AsyncStream.makeStream(of: Int.self)
    let hub = Hub(configuration: configuration, logger: testLogger()) { announced.yield($0) }
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { announced.finish() }
            try await hub.run()
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else {
            try await group.next()
            throw FixtureError("the hub ended")
        }
        let result = await Result { try await body(hub, port) }
        group.cancelAll()
        try await group.waitForAll()
        return try result.get()
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}

struct FixtureError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

func testLogger() -> Logger {
    var logger = Logger(label: "test") { _ in StreamLogHandler.standardError(label: "hub") }
    let level = ProcessInfo.processInfo.environment["RELAY_TEST_LOG"].flatMap(Logger.Level.init(rawValue:))
    logger.logLevel = level ?? .critical
    return logger
}

struct HubUnderTest: Sendable {
    let hub: Hub
    let port: Int
    let directory: String

    func identity(_ name: String) throws -> DeviceIdentity {
        try DeviceIdentity.loadOrCreate(directory: directory + "/" + name)
    }

    func link() async throws -> JoinLink {
        try JoinLink(parsing: try await hub.invite(share: "shared", address: nil, creates: false))
    }

    /// An agent that is a member, with a control connection.
    func join(_ name: String) async throws -> HandDrivenAgent {
        let link = try await link()
        let agent = HandDrivenAgent(name: name, identity: try identity(name), port: port, hub: link.hub)
        try await agent.connectControl(token: link.token)
        return agent
    }

    /// An agent that is a member, subscribed from the beginning, with both connections.
    func joinFully(_ name: String) async throws -> HandDrivenAgent {
        let agent = try await join(name)
        try await agent.subscribe(nil)
        try await agent.connectBulk()
        return agent
    }

    /// An agent that joined before, with no connection.
    func member(_ name: String) async throws -> HandDrivenAgent {
        HandDrivenAgent(name: name, identity: try identity(name), port: port, hub: try await link().hub)
    }

    /// Waits until the hub reports what is expected.
    func waitForReport(_ isExpected: (HubShareReport) -> Bool) async throws {
        while true {
            if let share = await hub.status().shares.first, isExpected(share) { return }
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
