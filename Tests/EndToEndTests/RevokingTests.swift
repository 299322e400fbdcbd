// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import Testing

/// Devices whose access is taken back, with the real programs.
@Suite(.serialized, .patientLane) struct RevokingTests {
    @Test func `S59 a device that is revoked in mid-transfer is cut off, and stays out`() throws {
        let setup = try Setup()
        let proxy = try ThrottledProxy(to: setup.address)
        defer { proxy.close() }
        let a = try setup.agent("a")
        let b = try setup.agent("b", through: proxy)
        try a.write("kept", "before\n")
        try setup.settle()
        let unused = try setup.invite()
        proxy.limit(downBytesPerSecond: 400_000)
        try a.shell("head -c 40000000 /dev/urandom > large")
        try within(20, "the transfer is under way") {
            try b.report().problems.contains { ($0.receivedBytes ?? 0) > 0 }
        }
        let revoked = try setup.server("revoke", "b")
        #expect(revoked.status == 0, "\(revoked.errors)")
        #expect(revoked.output.contains("2 join links that nobody had used"))
        try within(5, "the device is cut off, and knows") {
            let report = try b.report()
            return report.state == .halted && report.cause == .revoked
        }
        // What comes from now on are refusals, a few kilobytes each; the transfer would bring megabytes.
        let passed = proxy.passedDownBytes
        try a.write("kept", "after\n")
        try b.write("own", "mine\n")
        try throughout(5) { !b.has("large") && b.read("kept") == "before\n" }
        #expect(proxy.passedDownBytes - passed < 200_000)
        #expect(!a.has("own"))
        let reason = try b.report().reason ?? ""
        #expect(reason.contains("revoked") && reason.contains("no file was deleted"), "\(reason)")
        #expect(try b.control("download", "large", "--timeout", "1").status != 0)
        #expect(try setup.server("devices").output.contains("revoked"))

        setup.stopHub()
        try setup.startHub()
        b.stop()
        proxy.limit(downBytesPerSecond: nil)
        try b.start()
        try b.waitForReport("it is refused") { $0.cause == .revoked }
        b.stop()
        let link = unused.replacingOccurrences(of: setup.address, with: proxy.address)
        let joined = try b.fails(["--join", link])
        #expect(joined.status == 6 && joined.errors.contains("revoked"), "\(joined.errors)")
        #expect(b.read("kept") == "before\n" && b.read("own") == "mine\n")

        #expect(try setup.server("readmit", "b").status == 0)
        try b.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.read("own") == "mine\n" && b.read("kept") == "after\n")
    }

    @Test func `S59 a device that takes nothing is cut off as well`() throws {
        let setup = try Setup()
        let proxy = try ThrottledProxy(to: setup.address)
        defer { proxy.close() }
        let a = try setup.agent("a")
        let b = try setup.agent("b", through: proxy)
        try setup.settle()
        try a.shell("head -c 30000000 /dev/urandom > large")
        try a.wait()
        // It takes no byte more from its connections.
        b.run?.signal(SIGSTOP)
        defer { b.run?.signal(SIGCONT) }
        #expect(try setup.server("revoke", "b").status == 0)
        try within(5, "its connections are gone at the hub") { try setup.hubConnections() == 2 }
    }

    @Test func `a hub says who may be revoked, and that it does not run`() throws {
        let setup = try Setup()
        _ = try setup.agent("a")
        #expect(try setup.server("revoke", "nobody").status == 5)
        let json = try setup.server("devices", "--json").output
        let devices = try JSONDecoder().decode([DeviceReport].self, from: Data(json.utf8))
        #expect(devices.map(\.name) == ["a"] && devices.map(\.state) == [.online])
        setup.stopHub()
        #expect(try setup.server("revoke", "a").status == 7)
    }
}

extension Setup {
    /// Runs a verb of the hub's program.
    func server(_ arguments: String...) throws -> ProgramResult {
        try ProgramRun("relay-server", arguments + ["--data", hubData], in: directory).waitForEnd()
    }

    /// How many connections of agents the hub has.
    fileprivate func hubConnections() throws -> Int {
        let port = address.split(separator: ":").last ?? ""
        let text = try Shell.run(
            "ss -Htan 'sport = :\(port)' | grep -vc -e LISTEN -e TIME-WAIT || true")
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
    }
}

extension Agent {
    /// Runs the program with options with which it ends by itself.
    fileprivate func fails(_ options: [String]) throws -> ProgramResult {
        try launch(options)
        guard let run else { throw TestFailure("not started") }
        try within(20, "the program ends") { !run.isRunning }
        return run.waitForEnd()
    }
}
