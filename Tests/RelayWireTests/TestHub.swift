// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import RelayCore
import RelayWire
import Synchronization
import Testing

/// A directory that goes away with the test.
func withTemporaryDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let path = NSTemporaryDirectory() + "relay-wire-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

/// The identities that all tests on the network share; making keys is not what they test.
enum Identities {
    static let hub = make("hub")
    static let agent = make("agent")
    static let stranger = make("stranger")

    private static func make(_ name: String) -> Result<DeviceIdentity, WireError> {
        let path = NSTemporaryDirectory() + "relay-wire-identity-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        return Result { () throws(WireError) in try DeviceIdentity.loadOrCreate(directory: path) }
    }
}

/// A hub of a test: what it does with those who come.
struct TestHub: Sendable {
    var settings = ConnectionSettings()
    var admit: @Sendable (DeviceID, Hello) async -> Result<HelloAnswer, Refusal> = { device, _ in
        .success(HelloAnswer(share: ShareID(high: 1, low: 2), device: device, heartbeatSeconds: 15))
    }
    var control: @Sendable (DeviceID, Hello, HubControl) async -> Void = { _, _, connection in
        while case .some = try? await connection.next() {}
    }
    var bulk: @Sendable (DeviceID, Hello, Bulk) async -> Void = { _, _, connection in
        while case .some = try? await connection.next() {}
    }

    /// Runs the hub on a free port while the body runs, then ends it.
    func run<Output: Sendable>(_ body: @escaping @Sendable (_ port: Int) async throws -> Output) async throws
        -> Output
    {
        let listener = HubListener(
            host: "127.0.0.1", port: 0, identity: try Identities.hub.get(), settings: settings)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        return try await withThrowingTaskGroup(of: Output?.self) { group in
            group.addTask {
                defer { port.finish() }
                try await listener.run(
                    ready: { port.yield($0) }, admit: admit, control: control, bulk: bulk)
                return nil
            }
            var iterator = ports.makeAsyncIterator()
            let bound = try #require(await iterator.next())
            group.addTask { try await body(bound) }
            var output: Output?
            while let finished = try await group.next() {
                if let finished {
                    output = finished
                    group.cancelAll()
                }
            }
            return try #require(output)
        }
    }
}

/// Dials a hub of a test.
enum Dialing {
    static let hello = Hello(
        version: 1, role: .control, share: "photos", deviceName: "laptop",
        token: [UInt8](repeating: 7, count: 16))

    static func control(
        _ port: Int, host: String = "127.0.0.1", settings: ConnectionSettings = ConnectionSettings(),
        hub: DeviceID? = nil, hello: Hello = Dialing.hello
    ) async throws -> AgentControl {
        let expected = try hub ?? Identities.hub.get().id
        return try await Dialer.connectControl(
            host: host, port: port, identity: try Identities.agent.get(), hub: expected, hello: hello,
            settings: settings
        ).1
    }

    static func bulk(
        _ port: Int, settings: ConnectionSettings = ConnectionSettings()
    ) async throws -> Bulk {
        try await Dialer.connectBulk(
            host: "127.0.0.1", port: port, identity: try Identities.agent.get(),
            hub: try Identities.hub.get().id, hello: hello, settings: settings
        ).1
    }
}

/// Something that happens once, which others wait for.
final class Signal<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation
    init() { (stream, continuation) = AsyncStream.makeStream() }

    func send(_ value: Value) { continuation.yield(value) }

    func wait() async throws -> Value {
        var iterator = stream.makeAsyncIterator()
        return try #require(await iterator.next())
    }
}

/// The error that the body throws.
func wireError(_ body: () async throws -> Void) async -> WireError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? WireError
    }
}
