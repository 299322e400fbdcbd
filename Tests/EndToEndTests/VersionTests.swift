// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import RelayWire
import Testing

/// Programs of different versions.
@Suite(.timeLimit(.minutes(5)), .busyLane) struct VersionTests {
    @Test func `S60 a hub of another version is said with what to do, until it is updated`() async throws {
        let (setup, a, b) = try Setup.pair()
        try a.write("before", "there")
        try setup.settle()
        setup.stopHub()

        let older = try await OtherHub(of: setup, saying: "the hub speaks version 0: update the hub")
        try a.shell("echo changed > before; echo new > after")
        for agent in [a, b] {
            try agent.waitForReport("it says what to do") { $0.reason?.contains("update the hub") == true }
        }
        #expect(try a.control("wait", "--timeout", "1").status != 0)
        #expect(b.read("before") == "there" && b.read("after") == nil)
        await older.stop()

        try setup.startHub()
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(b.read("before") == "changed\n" && b.read("after") == "new\n")
    }
}

/// What listens in a hub's stead, with its key, and lets nobody in.
private final class OtherHub {
    private let task: Task<Void, Never>

    init(of setup: Setup, saying text: String) async throws {
        let identity = try DeviceIdentity.loadOrCreate(directory: setup.hubData + "/identity")
        let port = Int(setup.address.split(separator: ":").last ?? "")
        let listener = HubListener(host: "127.0.0.1", port: try #require(port), identity: identity)
        let (ready, isReady) = AsyncStream<Void>.makeStream()
        task = Task {
            try? await listener.run(
                ready: { _ in isReady.finish() },
                admit: { _, _ in .failure(Refusal(.unsupportedVersion, text)) },
                control: { _, _, _ in }, bulk: { _, _, _ in })
            isReady.finish()
        }
        for await _ in ready {}
    }

    func stop() async {
        task.cancel()
        await task.value
    }

    deinit { task.cancel() }
}
