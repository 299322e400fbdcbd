// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Changes are noticed, and in time.
@Suite(.serialized, .busyLane) struct ScenarioWatchTests {
    @Test func `S13 an edit of the same size that keeps the time arrives within three seconds`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("echo aaaa > f; touch -d 2001-02-03 f; touch -r f ../reference")
        try setup.settle()
        try a.shell("echo bbbb > f; touch -r ../reference f")
        try within(3) { b.read("f") == "bbbb\n" }
        // In place, and without a moment in which the time shows it.
        try a.shell("(printf cccc; touch -r ../reference f) 1<> f")
        try within(3) { b.read("f") == "cccc\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test func `S14 of a thousand edits of one size the last arrives`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("echo 10000 > f; echo 10000 > g")
        try setup.settle()
        try a.shell("for i in $(seq 10001 11000); do echo $i > f; echo $i > g; done")
        try within(5) { b.read("f") == "11000\n" && b.read("g") == "11000\n" }
        // Each at the moment when the one before has just been read.
        for round in 11001...11040 {
            try a.shell("echo \(round) > f")
            try within(5) { b.read("f") == "\(round)\n" }
        }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
    }

    @Test func `S15 of a thousand files of one size that take each other's place the last arrives`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("echo 10000 > f")
        try setup.settle()
        try a.shell("for i in $(seq 10001 11000); do rm f; echo $i > f; done")
        try within(5) { b.read("f") == "11000\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
    }

    @Test func `S16 a thousand trees made at once, among much else, are there five seconds later`() throws {
        let (setup, a, b) = try Setup.pair()
        try setup.settle()
        try a.shell(
            """
            { for i in $(seq 5000); do : > churn.$i; rm churn.$i; done; } &
            for i in $(seq 1000); do
                mkdir -p t$i/b/c/d; for p in t$i t$i/b t$i/b/c t$i/b/c/d; do echo $p > $p/f; done
            done
            wait
            """)
        // Nothing here asks for a scan: waiting would.
        try within(5) { try b.shell("find . -name f -size +0 | wc -l") == "4000\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test func `S22 when too many changes come at once, all arrive`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("mkdir m")
        try setup.settle()
        let run = try #require(a.run)
        let processes = [run.processID] + run.children
        #expect(processes.count > 1)
        for process in processes { kill(process, SIGSTOP) }
        try a.shell("cd m; for i in $(seq 50000); do : > $i; done")
        for process in processes.reversed() { kill(process, SIGCONT) }
        try within(90) { b.count("m") == 50_000 }
        #expect(run.errors.contains("too many changes at once"))
        try setup.settle()
        #expect(a.count("m") == 50_000)
    }
}
