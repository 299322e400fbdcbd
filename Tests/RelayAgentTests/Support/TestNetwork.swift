// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import RelayCore
import RelayServer
import RelayWire
import Synchronization
import Testing

@testable import RelayAgent

/// A hub and agents of one share, in this process, each over directories of its own.
final class TestNetwork: Sendable {
    let directory: String
    private let hub: Hub
    private let hubTask: Task<Void, any Error>
    let port: Int
    private let devices = Mutex<[TestDevice]>([])

    /// How long anything may take before a test gives up.
    static let patienceSeconds = 30.0

    private init(directory: String, hub: Hub, hubTask: Task<Void, any Error>, port: Int) {
        self.directory = directory
        self.hub = hub
        self.hubTask = hubTask
        self.port = port
    }

    /// Runs the body over a network of its own, with devices of these names that have joined.
    static func run(
        _ names: [String], storeLimitBytes: UInt64? = nil, watching: Bool = true,
        _ body: (TestNetwork, [TestDevice]) async throws -> Void
    ) async throws {
        let directory = try makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let bound = OneShot<Int>()
        let hub = Hub(
            configuration: HubConfiguration(
                dataDirectory: directory + "/hub", host: "127.0.0.1", port: 0,
                storeLimitBytes: storeLimitBytes),
            logger: TestLog.make("hub"), ready: { bound.set($0) })
        // A hub runs until its task is cancelled, beside the test's own.
        let task = Task { try await hub.run() }
        let port = try #require(
            await withDeadline(seconds: patienceSeconds) { await bound.wait() }, "the hub did not start")
        let network = TestNetwork(directory: directory, hub: hub, hubTask: task, port: port)
        var devices: [TestDevice] = []
        do {
            for name in names { devices.append(try await network.join(name, watching: watching)) }
            try await body(network, devices)
        } catch {
            await network.stop()
            throw error
        }
        await network.stop()
    }

    /// A device that joins the share with a folder (made by `prepare`, if it is not to be empty) and runs.
    func join(
        _ name: String, watching: Bool = true, prepare: (String) throws -> Void = { _ in }
    ) async throws -> TestDevice {
        let device = TestDevice(name: name, directory: "\(directory)/\(name)", watching: watching)
        try FileManager.default.createDirectory(atPath: device.folder, withIntermediateDirectories: true)
        try prepare(device.folder)
        let link = try JoinLink(
            parsing: await hub.invite(share: "shared", address: "127.0.0.1:\(port)", creates: false))
        try await device.start(joining: link)
        devices.withLock { $0.append(device) }
        return device
    }

    func invite() async throws -> JoinLink {
        try JoinLink(parsing: await hub.invite(share: "shared", address: "127.0.0.1:\(port)", creates: false))
    }

    func hubReport() async -> HubReport { await hub.status() }

    /// Returns once every running device has what all others have.
    func settle() async throws {
        let running = devices.withLock { $0 }.filter(\.isRunning)
        // What one device brings to the hub may make work for another, which has to be waited for as well.
        for _ in 0..<2 {
            for device in running { try await device.waitInSync() }
        }
    }

    private func stop() async {
        for device in devices.withLock({ $0 }) { await device.stop() }
        hubTask.cancel()
        _ = await hubTask.result
    }

    private static func makeDirectory() throws -> String {
        var template = Array("/tmp/relay-agent-test.XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw CocoaError(.fileWriteUnknown) }
        return String(cString: made)
    }
}

/// One device: its agent's state, its folder, and the agent while it runs.
final class TestDevice: Sendable {
    let name: String
    let folder: String
    let state: String
    private let watching: Bool
    private let running = Mutex<(agent: Agent, task: Task<Void, any Error>)?>(nil)

    init(name: String, directory: String, watching: Bool) {
        self.name = name
        folder = directory + "/folder"
        state = directory + "/state"
        self.watching = watching
    }

    var isRunning: Bool { running.withLock { $0 != nil } }

    /// The agent, which must be running.
    var agent: Agent {
        get throws { try #require(running.withLock { $0?.agent }, "\(name) does not run") }
    }

    func makeAgent() throws -> Agent {
        try Agent(
            configuration: AgentConfiguration(
                stateDirectory: state, deviceName: name,
                watchExecutable: watching ? TestDevice.watchExecutable : "/nonexistent/relay-watch",
                unwatchedRescanInterval: .milliseconds(200), retryInterval: .milliseconds(100)),
            logger: TestLog.make(name))
    }

    func start(joining link: JoinLink? = nil) async throws {
        let agent = try makeAgent()
        if let link {
            try await agent.join(folder: folder, link: link)
        } else {
            try agent.serve(folder: folder)
        }
        // An agent runs until its task is cancelled, beside the test's own.
        let task = Task { try await agent.run() }
        running.withLock { $0 = (agent, task) }
    }

    func stop() async {
        guard let (_, task) = running.withLock({ $0.take() }) else { return }
        task.cancel()
        _ = await task.result
    }

    func waitInSync() async throws {
        try await agent.wait(share: nil, timeoutSeconds: TestNetwork.patienceSeconds)
    }

    func report() async throws -> FolderReport {
        try #require(await agent.status().folders.first)
    }

    /// Returns once the folder's report is as wanted; looked at again and again.
    func waitForReport(_ condition: (FolderReport) -> Bool) async throws {
        for _ in 0..<3000 {
            if let report = await (try agent).status().folders.first, condition(report) { return }
            await pause(.milliseconds(10))
        }
        Issue.record("\(name) did not come to the wanted state: \(try await report())")
    }

    /// `relay-watch` beside the test's own executable.
    private static let watchExecutable: String = {
        if let given = ProcessInfo.processInfo.environment["RELAY_WATCH"] { return given }
        var directory = URL(fileURLWithPath: CommandLine.arguments.first ?? "").deletingLastPathComponent()
        for _ in 0..<4 {
            let candidate = directory.appendingPathComponent("relay-watch").path
            if access(candidate, X_OK) == 0 { return candidate }
            directory = directory.deletingLastPathComponent()
        }
        return "relay-watch"
    }()
}

// What people do with their folders.

extension TestDevice {
    func path(_ name: String) -> String { folder + "/" + name }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    }

    func makeDirectory(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    }

    func move(_ from: String, _ to: String) throws {
        guard rename(path(from), path(to)) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

    func bytes(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path(name)).map { Array($0) }
    }

    func text(_ name: String) -> String? { bytes(name).map { String(decoding: $0, as: UTF8.self) } }

    /// All that is in the folder: paths, and for files their content's size and sum, for links their target.
    func tree() throws -> [String: String] {
        var result: [String: String] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            if name == ".relay" || name.hasPrefix(".relay/") { continue }
            var status = stat()
            guard lstat(path(name), &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: result[name] = "directory"
            case S_IFLNK:
                result[name] = "-> " + (try FileManager.default.destinationOfSymbolicLink(atPath: path(name)))
            default:
                let bytes = bytes(name) ?? []
                let sum = bytes.reduce(UInt64(14_695_981_039_346_656_037)) {
                    ($0 ^ UInt64($1)) &* 1_099_511_628_211
                }
                result[name] = "\(bytes.count) \(sum) \(String(status.st_mode & 0o777, radix: 8))"
            }
        }
        return result
    }
}

/// Log lines of the programs under test; shown if `RELAY_TEST_LOG` is set.
enum TestLog {
    static func make(_ label: String) -> Logger {
        guard let level = ProcessInfo.processInfo.environment["RELAY_TEST_LOG"] else {
            return Logger(label: label) { _ in SwiftLogNoOpLogHandler() }
        }
        var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: level) ?? .info
        return logger
    }
}

/// Bytes that do not compress, the same for the same seed.
func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    var result: [UInt8] = []
    result.reserveCapacity(count)
    while result.count < count {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        withUnsafeBytes(of: state) { result.append(contentsOf: $0) }
    }
    return Array(result.prefix(count))
}
