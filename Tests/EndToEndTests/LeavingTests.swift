// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import Testing

/// Machines that give a share up.
@Suite(.serialized, .patientLane) struct LeavingTests {
    @Test func `S37 a folder that leaves its share keeps all, and deletes nothing elsewhere`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("mkdir d; echo shared > d/f; echo old > edited; echo gone > removed")
        try setup.settle()
        setup.stopHub()
        // What is not synced yet, an edit, a removal and a new file, stays as it is on this machine.
        try b.shell("echo 'by b' > edited; rm removed; echo new > unsynced")
        try within(10, "the agent is offline") { try b.report().state == .offline }
        let waiting = try ProgramRun("relay-ctl", ["--state", b.state, "wait"], in: setup.directory)
        let left = try b.control("leave")
        #expect(left.status == 0, "\(left.errors)")
        try within(10, "nobody waits for it any more") { !waiting.isRunning }
        #expect(left.output.contains("does not know that this device has left"), "\(left.output)")
        try setup.startHub()
        try a.wait()
        func check() throws {
            #expect(a.read("edited") == "old\n" && a.read("removed") == "gone\n" && !a.has("unsynced"))
            #expect(b.read("edited") == "by b\n" && !b.has("removed") && b.read("unsynced") == "new\n")
        }
        #expect(!b.has(".relay") && b.read("d/f") == "shared\n")
        try check()
        try a.write("d/f", "later\n")
        try b.write("d/g", "alone\n")
        try throughout(3) { b.read("d/f") == "shared\n" && !a.has("d/g") }
        try check()
        #expect(try b.control("status").output.contains("no folders"))
        b.stop()
        let again = try b.ends([])
        #expect(again.status == 2 && again.errors.contains("no folder"), "\(again.errors)")
        #expect(try Shell.run("find \(b.state) -name 'replica*' | wc -l") == "0\n")
        // Once more is a first join: the union.
        try b.start(["--join", try setup.invite()])
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.read("unsynced") == "new\n" && a.read("d/g") == "alone\n" && b.read("removed") == "gone\n")
        for name in ["edited", "d/f"] {
            let copies = try a.conflictCopies().filter { $0.hasPrefix("./\(name) (conflict") }
            let texts = Set((copies + [name]).compactMap { a.read($0) })
            #expect(texts == (name == "edited" ? ["old\n", "by b\n"] : ["shared\n", "later\n"]))
        }
    }

    @Test func `S37 late edits that were parked are in the folder that left`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.write("f", "base ")
        try setup.settle()
        let writer = try FileHandle(forUpdating: URL(fileURLWithPath: b.folder + "/f"))
        try writer.seekToEnd()
        try a.write("f", "remote")
        try within(10) { b.read("f") == "remote" }
        let left = try b.control("leave")
        #expect(left.status == 0 && left.output.contains("put back"), "\(left.output) \(left.errors)")
        try writer.write(contentsOf: Data("LATE".utf8))
        try writer.close()
        #expect(try b.conflictCopies().map { b.read($0) } == ["base LATE"])
        #expect(b.read("f") == "remote" && !b.has(".relay"))
        try a.wait()
        #expect(try a.conflictCopies() == [])
        #expect(try setup.server("devices").output.contains(" b ") == false)
    }

    @Test func `S37 a device that alone has contents leaves only if it is forced`() throws {
        let setup = try Setup(storeLimit: "0")
        let a = try setup.agent("a")
        try a.shell("head -c 300000 /dev/urandom > only")
        try a.wait()
        let refused = try a.control("leave")
        #expect(refused.status == 6 && refused.errors.contains("only"), "\(refused.errors)")
        // It goes on as before.
        try a.write("next", "1\n")
        try a.wait()
        let b = try setup.agent("b")
        try setup.settle()
        try within(10, "the hub knows what b has") {
            try a.control("leave").status == 0
        }
        #expect(a.has("only") && !a.has(".relay"))
        #expect(try b.control("leave").status == 6)
        #expect(try b.control("leave", "--force").status == 0)
        #expect(b.has("only") && b.read("next") == "1\n" && !b.has(".relay"))
    }

    @Test func `S37 a folder leaves without an agent that runs, and one of several`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        try a.write("f", "1\n")
        try a.wait()
        let other = setup.directory + "/other"
        let link = try ProgramRun(
            "relay-server", ["invite", "--data", setup.hubData, "--share", "other", "--create"],
            in: setup.directory
        ).waitForEnd().output.trimmingCharacters(in: .whitespacesAndNewlines)
        let verb = ["leave", a.folder, "--state", a.state]
        let running = try ProgramRun("relay-agent", verb, in: setup.directory).waitForEnd()
        #expect(running.status == 6 && running.errors.contains("relay-ctl leave"), "\(running.errors)")
        a.stop()
        let joining = try ProgramRun(
            "relay-agent", ["run", other, "--state", a.state, "--join", link], in: setup.directory)
        _ = try joining.waitForLine(containing: "serving")
        joining.end()
        let left = try ProgramRun("relay-agent", verb, in: setup.directory).waitForEnd()
        #expect(left.status == 0, "\(left.errors)")
        #expect(a.read("f") == "1\n" && !a.has(".relay"))
        #expect(try ProgramRun("relay-agent", verb, in: setup.directory).waitForEnd().status == 2)
        let rest = try ProgramRun("relay-agent", ["run", "--state", a.state], in: setup.directory)
        #expect(try rest.waitForLine(containing: "serving").contains(other))
        rest.end()
    }
}

extension Agent {
    /// Starts the program with options with which it ends by itself, without a folder.
    fileprivate func ends(_ options: [String]) throws -> ProgramResult {
        let run = try ProgramRun("relay-agent", ["run", "--state", state] + options, in: state)
        try within(20, "the program ends") { !run.isRunning }
        return run.waitForEnd()
    }
}
