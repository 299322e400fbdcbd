// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import Testing

/// What keeps a path from being in sync is told with its cause.
@Suite(.serialized, .busyLane) struct ReasonTests {
    @Test func `without a hub what is pending is offline`() throws {
        let setup = try Setup()
        defer { withExtendedLifetime(setup) {} }
        let a = try setup.agent("a")
        try a.wait()
        setup.stopHub()
        try a.write("note", "one\n")
        let report = try a.waitForReport("offline with something pending") {
            $0.state == .offline && $0.problems.contains { $0.path == "note" }
        }
        #expect(report.cause == .offline)
        #expect(report.problems.map(\.cause) == [.offline])
    }

    @Test func `a file that is written all the time is busy`() throws {
        let setup = try Setup()
        defer { withExtendedLifetime(setup) {} }
        let a = try setup.agent("a")
        let writer = try Process.run(
            URL(fileURLWithPath: "/bin/bash"),
            arguments: ["-c", "exec 3>>'\(a.folder)/log'; while echo x >&3; do sleep 0.02; done"])
        defer {
            kill(writer.processIdentifier, SIGKILL)
            writer.waitUntilExit()
        }
        try a.waitForCause(.busy, of: "log")
    }

    @Test func `content of a device that is away waits for the device`() throws {
        let setup = try Setup(storeLimit: "0")
        defer { withExtendedLifetime(setup) {} }
        let a = try setup.agent("a")
        try a.shell("head -c 3000000 /dev/urandom > large")
        try a.wait()
        a.stop()
        let b = try setup.agent("b")
        let problem = try b.waitForCause(.device, of: "large")
        #expect(problem.devices == ["a"])
        let list = try b.control("list", "--json")
        let entries = try JSONDecoder().decode([EntryReport].self, from: Data(list.output.utf8))
        #expect(entries.map(\.cause) == [.device])
        try a.start()
        try setup.settle()
        #expect(try b.report().problems == [])
    }

    @Test func `an emptied folder is held, and a missing one is halted`() throws {
        let setup = try Setup()
        defer { withExtendedLifetime(setup) {} }
        let a = try setup.agent("a")
        try a.shell("echo 1 > one; echo 2 > two")
        try setup.settle()
        try a.shell("rm one two")
        let held = try a.waitForReport("the folder is held") { $0.state == .halted }
        #expect(held.cause == .held)
        #expect(try a.control("confirm").status == 0)
        try setup.settle()
        try Shell.run("mv folder-a aside", in: setup.directory)
        let halted = try a.waitForReport("the folder is halted") { $0.state == .halted }
        #expect(halted.cause == .halted)
        try Shell.run("mv aside folder-a", in: setup.directory)
        try setup.settle()
        #expect(try a.report().cause == nil)
    }

    @Test func `S22 an overrun watcher is counted, and nothing is missed`() throws {
        let setup = try Setup()
        defer { withExtendedLifetime(setup) {} }
        let a = try setup.agent("a")
        try a.wait()
        #expect(try a.report().watchOverflows == 0)
        let agent = try #require(a.run?.processID)
        let watcher = try Shell.run("cat /proc/\(agent)/task/*/children").split(separator: " ")
            .compactMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        let child = try #require(watcher.first)
        kill(child, SIGSTOP)
        defer { kill(child, SIGCONT) }
        // Each file makes more than one event.
        try a.shell(
            """
            count=$(($(cat /proc/sys/fs/inotify/max_queued_events) / 2 + 1000))
            seq -f 'f%.0f' $count | xargs touch
            """)
        kill(child, SIGCONT)
        try a.waitForReport("the overflow is told") { $0.watchOverflows > 0 }
        try a.wait()
        #expect(try a.control("status").output.contains("the watcher was overrun by changes"))
        let expected = try a.shell("ls | wc -l").trimmingCharacters(in: .whitespacesAndNewlines)
        let listed = try a.control("list", "--json")
        let entries = try JSONDecoder().decode([EntryReport].self, from: Data(listed.output.utf8))
        #expect("\(entries.count)" == expected && entries.allSatisfy { $0.state == .inSync })
    }

    @Test func `a directory with something that is not shared in it is obstructed`() throws {
        let setup = try Setup()
        defer { withExtendedLifetime(setup) {} }
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("mkdir d; echo 1 > d/one; echo keep > keep")
        try setup.settle()
        try b.shell("mkfifo d/pipe")
        try a.shell("rm -r d")
        try b.waitForCause(.obstructed, of: "d")
        try b.shell("rm d/pipe")
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test func `a file that must not be changed lacks permission`() throws {
        let setup = try Setup()
        defer { withExtendedLifetime(setup) {} }
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("mkdir d; echo 1 > d/one; echo keep > keep")
        try setup.settle()
        // For root the directory's mode is no hindrance.
        let (lock, unlock) =
            geteuid() == 0 ? ("chattr +i d/one", "chattr -i d/one") : ("chmod 555 d", "chmod 755 d")
        try b.shell(lock)
        defer { _ = try? b.shell(unlock) }
        try a.write("d/one", "2\n")
        try b.waitForCause(.permission, of: "d/one")
        try b.shell(unlock)
        try setup.settle()
        #expect(b.read("d/one") == "2\n")
    }
}
