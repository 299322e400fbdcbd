// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite(.serialized, .busyLane) struct PowerCutTests {
    /// A hub and two agents; the folder and the state of `b` are on a disk of their own.
    private func make() throws -> (setup: Setup, disk: Mounted, a: Agent, b: Agent) {
        let setup = try Setup()
        let disk = try setup.mount(ext4MiB: 300, on: "disk")
        try Shell.run(
            "mkdir disk/folder disk/state; ln -s disk/folder folder-b; ln -s disk/state state-b",
            in: setup.directory)
        let a = try setup.agent("a")
        return (setup, disk, a, try setup.agent("b"))
    }

    private func cut(_ disk: Mounted, _ agent: Agent) throws {
        try disk.cutPower([try #require(agent.run)])
        agent.stop()
    }

    @Test(.enabled(if: Mounted.isPossible), arguments: [true, false])
    func `S39 what a power cut left of files is sent nowhere`(isStateWritten: Bool) throws {
        let (setup, disk, a, b) = try make()
        try b.shell("for i in $(seq 20); do echo old text $i > o$i; done; sync -f .")
        try setup.settle()
        try b.shell(
            "for i in $(seq 20); do echo text $i > n$i; echo new text $i > o$i; done; mkdir d; mv o1 d/")
        try setup.settle()
        // The journal is written every few seconds, or with any file; what is in the other files later.
        let written = isStateWritten ? "$(find state -type f)" : "flushed"
        try Shell.run("echo > flushed; for f in \(written); do sync $f; done", in: disk.directory)
        try cut(disk, b)
        try b.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.shell("find . -size 0 -type f -not -path './.relay/*'") == "")
        for number in 1...20 {
            #expect(a.read("n\(number)") == "text \(number)\n")
            #expect(b.read(number == 1 ? "d/o1" : "o\(number)") == "new text \(number)\n")
        }
        // What is left of a file may be kept beside it, but not of an empty one.
        for copy in try a.conflictCopies() { #expect(a.read(copy) != "") }
        // An edit after it is an edit, and emptying a file is one.
        try b.shell("echo edited > n1; : > n2")
        try setup.settle()
        #expect(a.read("n1") == "edited\n" && a.read("n2") == "")
    }

    @Test(.enabled(if: Mounted.isPossible))
    func `S39 an agent that loses its power while it applies has all of it afterwards`() throws {
        let (setup, disk, a, b) = try make()
        for round in 1...6 {
            try a.shell(
                "for i in $(seq 200); do head -c $((RANDOM % 20000)) /dev/urandom > r\(round)-$i; done; "
                    + "rm -f r\(round - 1)-1*; [ ! -e r\(round - 1)-2 ] || mv r\(round - 1)-2 moved-\(round)")
            try within(30) { b.count("") > 20 * round }
            try cut(disk, b)
            try b.start()
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(try a.conflictCopies() == [])
        }
    }

    @Test(.enabled(if: Mounted.isPossible))
    func `S29 a disk that comes back under another device number is the same disk`() throws {
        let (setup, disk, a, b) = try make()
        try a.shell("mkdir d; echo 1 > d/f; echo 2 > g; echo 3 > h")
        try setup.settle()
        b.stop()
        disk.unmount()
        try a.shell("echo 4 > d/f; rm g")
        try a.wait()
        // Another disk takes the number that was free.
        let other = try setup.mount(ext4MiB: 8, on: "other")
        let number = try Shell.run("stat -c %d other", in: setup.directory)
        try disk.mount()
        #expect(try Shell.run("stat -c %d disk", in: setup.directory) != number)
        try Shell.run("mv disk/folder/h disk/folder/moved", in: setup.directory)
        try b.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
        #expect(
            b.read("d/f") == "4\n" && b.read("g") == nil && a.read("moved") == "3\n" && a.read("h") == nil)
        withExtendedLifetime(other) {}
    }
}
