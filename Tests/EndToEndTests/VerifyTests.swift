// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import RelayCore
import Testing

/// The real programs compare disk, index and hub after somebody tampered with one of them.
@Suite(.serialized, .busyLane) struct VerifyTests {
    /// Runs the body over two agents in sync over a few entries.
    private func withSetup(_ body: (Setup, Agent, Agent) throws -> Void) throws {
        let setup = try Setup()
        defer { withExtendedLifetime(setup) {} }
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell(
            """
            mkdir -p d/deep; echo one > one; echo two > d/two; echo three > d/deep/three; ln -s one link
            head -c 300000 /dev/urandom > large; sleep 0.1
            """)
        try setup.settle()
        try body(setup, a, b)
    }

    private func tamper(_ file: String, in directory: String, _ sql: String) throws {
        let found = try Shell.run("find . -name '\(file)'", in: directory).split(separator: "\n")
        let path = try #require(found.first)
        try DatabaseQueue(path: directory + "/" + path).write { database in
            try database.execute(sql: sql)
            #expect(database.changesCount > 0)
        }
    }

    /// Stops the agent, changes its index, and starts it again.
    private func tamper(with agent: Agent, _ sql: String) throws {
        agent.stop()
        try tamper("replica.sqlite", in: agent.state, sql)
        try agent.start()
    }

    private func tamper(withHubOf setup: Setup, _ sql: String) throws {
        setup.stopHub()
        try tamper("index.sqlite", in: setup.hubData, sql)
        try setup.startHub()
    }

    /// What was found, as `path: kind`.
    private func expectDifferences(_ agent: Agent, _ expected: [String]) throws {
        let (status, report) = try agent.verify()
        #expect(report.differences.map { "\($0.path): \($0.kind.rawValue)" }.sorted() == expected.sorted())
        #expect(report.hubSkipped == nil && report.unreadable == [])
        #expect(status == (expected.isEmpty ? 0 : 9))
    }

    @Test func `nothing differs in a folder in sync, and all of it was looked at`() throws {
        try withSetup { _, a, b in
            for agent in [a, b] {
                let (status, report) = try agent.verify()
                #expect(status == 0 && report.differences == [] && report.hubSkipped == nil)
                #expect(report.records == 7 && report.directories == 3 && report.files == 4)
                #expect(report.bytes > 300_000 && report.changing == 0)
            }
            #expect(try a.control("verify").output.contains("nothing differs"))
        }
    }

    @Test func `changes under way are no differences`() throws {
        try withSetup { setup, a, b in
            let script = """
                cd '\(a.folder)'; i=0
                while :; do
                    i=$((i+1)); echo $i > one; mkdir -p n$i; echo $i > n$i/x; mv n$i m$i; rm -r m$i; sleep 0.01
                done
                """
            let user = try Process.run(URL(fileURLWithPath: "/bin/bash"), arguments: ["-c", script])
            defer {
                if user.isRunning { kill(user.processIdentifier, SIGKILL) }
                user.waitUntilExit()
            }
            for agent in [a, b] { try expectDifferences(agent, []) }
            kill(user.processIdentifier, SIGKILL)
            user.waitUntilExit()
            try setup.settle()
            for agent in [a, b] { try expectDifferences(agent, []) }
        }
    }

    @Test func `a row that the agent's index lost comes back from the hub`() throws {
        try withSetup { setup, a, _ in
            try tamper(with: a, "DELETE FROM node WHERE local_name = CAST('two' AS BLOB)")
            try expectDifferences(a, ["d/two: unknown here"])
            try setup.settle()
            #expect(try setup.differences() == "" && a.read("d/two") == "two\n")
            try expectDifferences(a, [])
            #expect(try a.conflictCopies() == [])
        }
    }

    @Test func `a directory that the agent's index lost comes back, and all beneath it`() throws {
        try withSetup { setup, a, b in
            try tamper(with: a, "DELETE FROM node WHERE local_name = CAST('d' AS BLOB)")
            let (status, report) = try a.verify()
            #expect(status == 9 && report.differences.contains { $0.path == "d" && $0.kind == .unknownHere })
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(b.read("d/two") == "two\n" && b.read("d/deep/three") == "three\n")
            try expectDifferences(a, [])
            #expect(try a.conflictCopies() == [])
        }
    }

    @Test func `a mode that changed in the agent's index alone is found, and told to nobody`() throws {
        try withSetup { setup, a, b in
            try tamper(with: a, "UPDATE node SET local_mode = 384 WHERE local_name = CAST('one' AS BLOB)")
            try expectDifferences(a, ["one: damaged record"])
            try setup.settle()
            try expectDifferences(a, [])
            #expect(try setup.differences() == "")
            #expect(try b.shell("stat -c %a one") == "644\n")
        }
    }

    @Test func `an entry that the hub's index lost is given to it again`() throws {
        try withSetup { setup, a, b in
            try tamper(withHubOf: setup, "DELETE FROM node WHERE name = CAST('two' AS BLOB)")
            try a.wait()
            try expectDifferences(a, ["d/two: missing on the hub"])
            try setup.settle()
            #expect(try setup.differences() == "" && b.read("d/two") == "two\n")
            for agent in [a, b] { try expectDifferences(agent, []) }
        }
    }

    @Test func `a mode that changed in the hub's index is found by whoever compares`() throws {
        try withSetup { setup, a, b in
            try tamper(
                withHubOf: setup,
                "UPDATE version SET mode = 384 WHERE name = CAST('one' AS BLOB) AND kind = 1")
            try b.wait()
            try expectDifferences(b, ["one: differs from the hub"])
            try b.wait()
            // What the hub has is what counts.
            #expect(try b.shell("stat -c %a one") == "600\n")
            try expectDifferences(b, [])
            try a.wait()
            try expectDifferences(a, ["one: differs from the hub"])
            try setup.settle()
            #expect(try setup.differences() == "")
        }
    }

    @Test func `what no watcher told of is found and synced`() throws {
        try withSetup { setup, a, b in
            a.stop()
            // Says that it is ready, and nothing any more.
            let mute = setup.directory + "/mute-watch"
            let script = """
                #!/bin/sh
                '\(try Programs.path("relay-watch"))' "$@" | { dd bs=65536 count=1 2>/dev/null; exec cat >/dev/null; }
                """
            try Data(script.utf8).write(to: URL(fileURLWithPath: mute))
            chmod(mute, 0o755)
            try a.start([], ["RELAY_WATCH": mute])
            try a.wait()
            try a.shell("echo new > d/new; rm d/two; echo more >> one")
            try expectDifferences(
                a, ["d/new: unknown on disk", "d/two: missing on disk", "one: changed on disk"])
            try b.waitForFile("d/new", "new\n")
            try setup.settle()
            #expect(try setup.differences() == "" && b.read("one") == "one\nmore\n" && b.read("d/two") == nil)
        }
    }

    @Test func `bytes that changed with nothing else are told and left alone`() throws {
        try withSetup { setup, a, b in
            let before = try a.report().revision
            // All records say the same, and the disk something else: so it looks when a disk goes bad.
            a.stop()
            try tamper(
                withHubOf: setup, "UPDATE version SET content_head = 42 WHERE name = CAST('one' AS BLOB)")
            try tamper(
                with: a,
                """
                UPDATE node SET local_content_head = 42, remote_content_head = 42
                WHERE local_name = CAST('one' AS BLOB)
                """
            )
            try a.waitForReport("all is in sync") { $0.state == .inSync }
            try expectDifferences(a, ["one: damaged on disk"])
            let problem = try a.waitForCause(.damaged, of: "one")
            #expect(problem.reason.contains("relay-ctl verify"))
            let text = try a.control("verify")
            #expect(text.status == 9 && text.output.contains("To keep what is on the disk: touch the file"))
            let report = try a.report()
            #expect(report.state == .inSync && report.revision == before && a.read("one") == "one\n")
            // Somebody decides.
            try a.shell("touch one")
            try a.waitForReport("the hub has it") { $0.state == .inSync && $0.revision > before }
            #expect(try a.report().problems == [])
            try expectDifferences(a, [])
            try setup.settle()
            #expect(try setup.differences() == "" && b.read("one") == "one\n")
        }
    }

    @Test func `the background finds it too, says so, and remembers`() throws {
        try withSetup { setup, a, _ in
            try a.shell("head -c 2500000 /dev/urandom > larger; sleep 0.1")
            try setup.settle()
            a.stop()
            try tamper(
                "replica.sqlite", in: a.state,
                "UPDATE node SET local_mode = 384 WHERE local_name = CAST('one' AS BLOB)")
            try tamper(
                withHubOf: setup, "UPDATE version SET content_head = 42 WHERE name = CAST('two' AS BLOB)")
            try tamper(
                "replica.sqlite", in: a.state,
                """
                UPDATE node SET local_content_head = 42, remote_content_head = 42
                WHERE local_name = CAST('two' AS BLOB)
                """
            )
            // Every second.
            try a.start(["--verify-every", "0.0003"])
            let found = try a.waitForReport("the background found it", seconds: 60) {
                $0.verification.differences == 2
            }
            #expect(found.verification.finished != nil)
            #expect(try a.control("status").output.contains("verification found 2 differences"))
            try a.waitForCause(.damaged, of: "d/two")
            // The other heals; this one waits for a person, over restarts too.
            try a.waitForReport("the next one finds less", seconds: 60) { $0.verification.differences == 1 }
            a.stop()
            try a.start(["--verify-every", "0"])
            try a.waitForCause(.damaged, of: "d/two")
            #expect(try a.report().verification.differences == 1)
            #expect(a.read("d/two") == "two\n")
        }
    }

    @Test func `without a hub the rest is compared, and the exit code says so`() throws {
        try withSetup { setup, a, _ in
            setup.stopHub()
            try a.waitForReport("offline") { $0.state == .offline }
            let (status, report) = try a.verify()
            #expect(status == 7 && report.hubSkipped != nil && report.differences == [] && report.files == 4)
        }
    }
}

extension Agent {
    fileprivate func waitForFile(_ path: String, _ content: String) throws {
        let deadline = Date(timeIntervalSinceNow: 20)
        while read(path) != content {
            guard Date() < deadline else { throw TestFailure("\(path) does not arrive at \(name)") }
            usleep(20_000)
        }
    }
}
