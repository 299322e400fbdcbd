// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite(.serialized, .busyLane) struct TroubleTests {
    @Test func `an emptied folder halts and deletes nothing`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("echo 1 > one; echo 2 > two; mkdir d; echo 3 > d/three")
        try setup.settle()
        b.stop()
        try b.shell("mkdir ../aside; mv one two d ../aside/")
        try b.start()
        let halted = try b.control("wait", "--timeout", "3")
        #expect(halted.status != 0)
        #expect(try b.control("status").output.contains("halted"))
        #expect(a.read("d/three") == "3\n")
        // One after the other, with a restart in between: until all are back, nothing is removed.
        try b.shell("mv ../aside/one .")
        #expect(try b.control("wait", "--timeout", "1").status != 0)
        b.stop()
        try b.start()
        #expect(try b.control("wait", "--timeout", "1").status != 0)
        #expect(a.read("two") == "2\n" && a.read("d/three") == "3\n")
        try b.shell("mv ../aside/* .")
        try setup.settle()
        #expect(try setup.differences() == "")
        try b.shell("rm -r *")
        #expect(try b.control("wait", "--timeout", "1").status != 0)
        #expect(a.read("one") == "1\n")
        #expect(try b.control("confirm").status == 0)
        try setup.settle()
        #expect(a.read("one") == nil)
        #expect(try setup.differences() == "")
    }

    @Test func `S31 a missing and a replaced root halt and delete nothing`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("echo 1 > one; echo 2 > two")
        try setup.settle()
        try Shell.run("mv folder-b aside; mkdir folder-b", in: setup.directory)
        let halted = try b.control("wait", "--timeout", "3")
        #expect(halted.status != 0)
        #expect(a.read("one") == "1\n" && a.read("two") == "2\n")
        try Shell.run("rmdir folder-b || rm -r folder-b; mv aside folder-b", in: setup.directory)
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test func `bad input gets one clear line and the right exit code`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        func agent(_ arguments: String...) throws -> ProgramResult {
            try ProgramRun("relay-agent", arguments, in: setup.directory).waitForEnd()
        }
        let wrongLink = try agent("run", "x", "--state", "s1", "--join", "relay://nonsense")
        #expect(wrongLink.status == 2 && wrongLink.errors.split(separator: "\n").count == 1)
        let unreachable = try agent(
            "run", "x", "--state", "s2", "--join",
            "relay://127.0.0.1:1/shared#hub=\(String(repeating: "ab", count: 32))&token=\(String(repeating: "cd", count: 16))"
        )
        #expect(unreachable.status == 7)
        #expect(unreachable.errors.contains("127.0.0.1:1"))
        let unknown = try agent("run", "y", "--state", "s3")
        #expect(unknown.status != 0 && unknown.errors.contains("--join"))
        let inside = try agent("run", a.folder + "/sub", "--state", "s4", "--join", try setup.invite())
        #expect(inside.status != 0 && inside.errors.contains("folder-a"))
        let second = try agent("run", a.folder, "--state", "s5", "--join", try setup.invite())
        #expect(second.status == 6)
        let inData = try agent("run", "hub/x", "--state", "s9", "--join", try setup.invite())
        #expect(inData.status == 6 && inData.errors.contains("hub's data directory"))
        let hubInFolder = try ProgramRun(
            "relay-server", ["run", "--data", a.folder + "/server", "--listen", "127.0.0.1:0"],
            in: setup.directory
        ).waitForEnd()
        #expect(hubInFolder.status == 1 && hubInFolder.errors.contains(a.folder))
        #expect(!FileManager.default.fileExists(atPath: a.folder + "/server"))
        let unreadable = try agent("run", "w", "--state", "s8", "--join", "-")
        #expect(unreadable.status == 2)
        a.stop()
        let twice = try agent("run", "v", "--state", a.state, "--join", try setup.invite())
        #expect(twice.status == 6 && twice.errors.contains("folder-a"))
        try a.start()
        let noAgent = try ProgramRun("relay-ctl", ["--state", "nowhere", "status"], in: setup.directory)
            .waitForEnd()
        #expect(noAgent.status == 7)
        let port = try ProgramRun(
            "relay-server", ["run", "--data", "hub2", "--listen", setup.address], in: setup.directory
        ).waitForEnd()
        #expect(port.status != 0 && port.errors.contains(setup.address))
        let spent = try setup.invite()
        let b = Agent(name: "spent", setup: setup)
        try b.start(["--join", spent])
        b.stop()
        let again = try agent("run", "z", "--state", "s6", "--join", spent)
        #expect(again.status == 6)
        let parts = setup.address.split(separator: ":")
        try Shell.run("head -c 1000 /dev/urandom > /dev/tcp/\(parts[0])/\(parts[1]) || true")
        try a.write("after", "garbage\n")
        try setup.settle()
    }

    @Test func `a corrupt replica is rebuilt without deleting anything`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("mkdir d; for i in $(seq 20); do echo $i > d/$i; done")
        try setup.settle()
        b.stop()
        try Shell.run(
            "for f in $(find . -name 'replica.sqlite'); do head -c 8192 /dev/urandom > $f; rm -f $f-wal $f-shm; done",
            in: b.state)
        try b.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try Shell.run("find . -name '*.damaged-*' | wc -l", in: b.state) != "0\n")
        #expect(try a.shell("ls d | wc -l") == "20\n")
        #expect(try a.conflictCopies() == [])
    }

    @Test func `what changes before a slow watcher is ready is not missed`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.write("file", "before\n")
        try setup.settle()
        a.stop()
        let slow = setup.directory + "/slow-watch"
        let script = "#!/bin/sh\nsleep 8\nexec '\(try Programs.path("relay-watch"))' \"$@\"\n"
        try Data(script.utf8).write(to: URL(fileURLWithPath: slow))
        chmod(slow, 0o755)
        try a.start([], ["RELAY_WATCH": slow])
        // Asking for the status looks at nothing, unlike waiting.
        try waitUntil("the folder was looked through") {
            try a.control("status").output.contains("in sync")
        }
        try a.write("file", "while nobody watches\n")
        try waitUntil("the edit arrives") { b.read("file") == "while nobody watches\n" }
    }

    private func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: 30)
        while try !condition() {
            guard Date() < deadline else { throw TestFailure("in vain: \(what)") }
            usleep(50_000)
        }
    }
}
