// SPDX-License-Identifier: Apache-2.0

import CLinux
import Foundation
import RelayCore
import Testing

/// Trees that move, whole and often.
@Suite(.serialized, .busyLane) struct ScenarioTreeTests {
    @Test func `S09 nothing outside is touched while directories turn into links to it`() throws {
        let (setup, a, b) = try Setup.pair()
        try Shell.run(
            """
            mkdir -p outside/e; for i in $(seq 50); do echo canary > outside/$i; done; echo canary > outside/e/f
            touch -d 2001-02-03 outside/* outside; ln -s '\(setup.directory)/outside' swap
            """, in: setup.directory)
        let canary = "find outside -printf '%p %y %m %s %T@ %C@\\n' | sort; cat outside/[0-9]* outside/e/f"
        let before = try Shell.run(canary, in: setup.directory)
        try a.shell(
            "mkdir -p d/e; for i in $(seq 50); do echo inside | tee d/$i > beside$i; done; echo inside > d/e/f"
        )
        try setup.settle()
        // Whoever stands in the directory follows no link, whatever becomes of its name.
        let work = Process()
        work.executableURL = URL(fileURLWithPath: "/bin/bash")
        work.currentDirectoryURL = URL(fileURLWithPath: a.folder)
        work.arguments = [
            "-c",
            """
            for n in $(seq 40); do (
                mkdir -p d/e; cd -P d && [ "$PWD" = '\(a.folder)/d' ] || exit 0
                for i in $(seq 50); do echo $n > ./$i; done; chmod $((600 + n % 2 * 44)) ./*; touch ./new$n
                rm -f ./$n; mkdir ./made$n; mv ./$((n % 50 + 1)) ./made$n/; rm -rf ./e; mkdir ./e; echo $n > ./e/f
                sleep 0.05
            ) 2> /dev/null; done
            """,
        ]
        work.standardError = FileHandle.nullDevice
        try work.run()
        var isLink = false
        let deadline = Date(timeIntervalSinceNow: 30)
        while work.isRunning || isLink, Date() < deadline {
            _ = relay_renameat2(
                AT_FDCWD, b.folder + "/d", AT_FDCWD, setup.directory + "/swap", RELAY_RENAME_EXCHANGE)
            isLink = (try? FileManager.default.destinationOfSymbolicLink(atPath: b.folder + "/d")) != nil
            usleep(UInt32.random(in: 500...20_000))
        }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try Shell.run(canary, in: setup.directory) == before)
    }

    @Test func `S18 what is written into a tree right after each of its renames has the right place`() throws
    {
        let (setup, a, b) = try Setup.pair()
        let deep = "1/2/3/4/5/6/7"
        try a.shell(
            """
            mkdir -p a/\(deep); cd a/\(deep)
            for i in $(seq 500); do mkdir $i; head -c 2000 /dev/urandom > $i/old; done
            """)
        try setup.settle()
        let before = try setup.storedBytes()
        #expect(before > 900_000)
        for (old, new) in [("a", "b"), ("b", "c"), ("c", "d")] {
            try a.shell(
                "mv \(old) \(new); for i in $(seq 500); do echo \(new)$i > \(new)/\(deep)/$i/\(new); done")
        }
        try within(20) {
            try b.shell("{ ls d/\(deep)/*/{old,b,c,d} 2> /dev/null || true; } | wc -l") == "2000\n"
        }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.shell("ls") == "d\n")
        // The new files alone.
        #expect(try setup.storedBytes() - before < 500_000)
    }

    @Test func `S19 directories and files that change places are moved, not sent`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell(
            "mkdir p q s t; echo p > p/f; echo q > q/f; echo s > s/f; echo t > t/f; echo P > P; echo Q > Q")
        try setup.settle()
        let before = try setup.storedBytes()
        try a.exchange("p", "q")
        try a.exchange("P", "Q")
        try a.shell("mv s x; mv t s; mv x t")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(
            try b.texts()
                == ["p/f": "q\n", "q/f": "p\n", "s/f": "t\n", "t/f": "s\n", "P": "Q\n", "Q": "P\n"])
        #expect(try setup.storedBytes() == before)
    }

    @Test func `S20 a large tree that is moved about is never seen to be gone, nor sent again`() throws {
        let (setup, a, b) = try Setup.pair()
        try Shell.run(
            "mkdir folder-a/to outside; for i in $(seq 10000); do echo $i > outside/$i; done",
            in: setup.directory)
        try setup.settle()
        try a.shell("mv ../outside tree")
        try within(60) { b.count("tree") == 10_000 }
        try setup.settle()
        #expect(try setup.differences() == "")
        let before = try setup.storedBytes()
        for (old, new) in [("tree", "to/tree"), ("to/tree", "tree")] {
            try a.shell("mv \(old) \(new)")
            // The old place is looked at first: what is in neither is gone.
            try within(20) {
                let counts = (b.count(old), b.count(new))
                #expect(counts.0 + counts.1 >= 10_000, "\(counts)")
                return counts.1 == 10_000 && counts.0 == 0
            }
        }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try setup.storedBytes() == before)
    }

    @Test func `S21 a tree that was moved out is removed elsewhere, and left alone from then on`() throws {
        let (setup, a, b) = try Setup.pair()
        try setup.settle()
        let watches = try a.watchCount()
        #expect(watches > 0)
        try a.shell(
            "mkdir -p tree/{1..50}; for i in tree/*; do echo $i > $i/f; done; for i in $(seq 200); do echo stay > stay$i; done"
        )
        try setup.settle()
        #expect(try a.watchCount() >= watches + 50)
        try a.shell("mv tree ../outside")
        try within(5) { !b.has("tree") }
        try setup.settle()
        try within(5) { try a.watchCount() == watches }
        let revision = try a.status().revision
        try a.shell("for i in ../outside/*; do echo edited > $i/f; mkdir $i/new; done")
        try throughout(2) { try a.status().revision == revision }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.status().revision == revision)
        #expect(try b.texts().count == 200)
    }

    @Test func `S26 a write through another name of a file is seen by the next look`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("echo first > h; ln h ../outside; ln h inside")
        try setup.settle()
        try a.shell("echo changed > ../outside")
        try setup.settle()
        #expect(b.read("h") == "changed\n" && b.read("inside") == "changed\n")
        // What comes from others is not written through the file: the name outside keeps its own.
        try b.shell("echo remote > h")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.read("h") == "remote\n" && a.read("inside") == "changed\n")
        #expect(a.read("../outside") == "changed\n")
    }

    @Test func `S71, S72 of very many entries in one directory none is lost, and renames send nothing`()
        throws
    {
        let (setup, a, b) = try Setup.pair()
        try a.shell("mkdir one; cd one; for i in $(seq 100000 110000); do echo $i > $i; done")
        try within(60) {
            let seconds = try a.answerSeconds()
            #expect(seconds < 1)
            return b.count("one") == 10_001
        }
        try setup.settle()
        #expect(try setup.differences() == "")
        let before = try setup.storedBytes()
        for number in 100_000...110_000 {
            try #require(rename("\(a.folder)/one/\(number)", "\(a.folder)/one/b\(number)") == 0)
        }
        try within(60) { b.has("one/b110000") && !b.has("one/100000") && b.count("one") == 10_001 }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try setup.storedBytes() == before)
    }
}

extension Agent {
    /// How long it takes to tell its state, beyond what any answer of a program takes at the moment.
    fileprivate func answerSeconds() throws -> Double {
        let start = Date()
        _ = try ProgramRun("relay-ctl", ["--version"], in: folder + "/..").waitForEnd()
        let asked = Date()
        _ = try status()
        return Date().timeIntervalSince(asked) - asked.timeIntervalSince(start)
    }

    /// Has two entries change places in one step.
    fileprivate func exchange(_ first: String, _ second: String) throws {
        let result = relay_renameat2(
            AT_FDCWD, folder + "/" + first, AT_FDCWD, folder + "/" + second, RELAY_RENAME_EXCHANGE)
        guard result == 0 else { throw TestFailure("cannot exchange \(first) and \(second)") }
    }
}
