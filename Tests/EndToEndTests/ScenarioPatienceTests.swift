// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import Testing

/// What takes its time: these tests wait for most of theirs, side by side.
@Suite(.patientLane) struct ScenarioPatienceTests {
    @Test func `S03 what is stored through a mapping of a replaced file is in a conflict copy`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("head -c 4096 /dev/zero | tr '\\0' . > f")
        try setup.settle()
        let descriptor = open(b.folder + "/f", O_RDWR)
        let mapping = try #require(mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0))
        close(descriptor)
        defer { munmap(mapping, 4096) }
        try a.write("f", "remote")
        try within(10) { b.read("f") == "remote" }
        try throughout(30) { b.read("f") == "remote" }
        mapping.copyMemory(from: "LATE", byteCount: 4)
        munmap(mapping, 4096)
        try within(5) { try b.conflictCopies().contains { b.read($0)?.hasPrefix("LATE..") == true } }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies().count == 1)
        #expect(a.read("f") == "remote")
    }

    @Test func `S17 a directory that was removed and made again is still watched much later`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("mkdir d; echo 1 > d/old")
        try setup.settle()
        try a.shell("rm -rf d; mkdir d")
        try throughout(70) { a.isRunning && !b.has("d/f") }
        try a.shell("echo late > d/f")
        try within(3) { b.read("d/f") == "late\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test func `S23 what cannot be watched is polled at little cost, and said to be`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("for i in $(seq 500); do mkdir d$i; done")
        try setup.settle()
        a.stop()
        try a.start(wrapper: Wrapper.inotify("max_inotify_watches", 50))
        try within(10) { try a.status().polledDirectories >= 445 }
        #expect(try a.status().polledDirectories <= 455)
        #expect(try a.control("status").output.contains("directories are not watched but polled"))
        try setup.settle()
        // The poll interval is ten seconds.
        try a.shell("for i in $(seq 500); do echo $i > d$i/f; done")
        try within(12) { try b.shell("{ cat d*/f 2> /dev/null || true; } | wc -l") == "500\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
        let run = try #require(a.run)
        func processorSeconds() -> Double {
            ([run.processID] + run.children).reduce(0) { $0 + ProgramRun.processorSeconds(of: $1) }
        }
        let before = processorSeconds()
        try throughout(12) { a.isRunning }
        #expect(processorSeconds() - before < 12 * 0.05)
    }

    @Test func `S23 without any watch all is polled`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("mkdir d; echo 1 > d/f")
        try setup.settle()
        a.stop()
        try a.start(wrapper: Wrapper.inotify("max_inotify_instances", 0))
        try a.shell("echo 2 > d/f; echo new > new")
        try within(45) { b.read("d/f") == "2\n" && b.read("new") == "new\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test(.enabled(if: Mounted.isPossible))
    func `S24 a directory that cannot be looked into for a while keeps what others have of it`() throws {
        let setup = try Setup()
        let b = try setup.agent("b")
        try Shell.run(
            "mkdir folder-a state-a; chown \(Wrapper.nobodyID) folder-a state-a", in: setup.directory)
        let a = try setup.agent("a", wrapper: Wrapper.nobody)
        try b.shell("mkdir d; echo 1 > d/x; echo 2 > d/y")
        try setup.settle()
        try a.shell("chmod 0 d; rm d/x; echo 3 > d/z; chown \(Wrapper.nobodyID) d/z")
        try b.write("other", "goes on")
        try within(10) { a.read("other") == "goes on" }
        // For longer than an absence needs to be believed.
        try throughout(20) { b.read("d/x") == "1\n" && b.read("d/y") == "2\n" }
        let status = try a.status()
        #expect(
            status.problems.contains { $0.path.hasPrefix("d") && $0.reason.contains("permission denied") },
            "\(status)")
        try a.shell("chmod 755 d")
        try within(5) { !b.has("d/x") && b.read("d/z") == "3\n" }
        try a.shell("echo 4 > d/w; chown \(Wrapper.nobodyID) d/w")
        try within(5) { b.read("d/w") == "4\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test(.enabled(if: Mounted.isPossible))
    func `S27 what a mount inside the folder hides is removed nowhere, nor is the mount shared`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("mkdir -p mnt/deep; echo keep > mnt/keep; echo keep > mnt/deep/keep")
        try setup.settle()
        let mounted = try setup.mount(tmpfs: "4m", on: "folder-a/mnt")
        try a.shell("echo hidden > mnt/hidden; echo beside > beside")
        try within(5) { b.read("beside") == "beside\n" }
        try throughout(20) {
            b.read("mnt/keep") == "keep\n" && b.has("mnt/deep/keep") && !b.has("mnt/hidden")
        }
        mounted.unmount()
        try a.shell("echo after > mnt/after")
        try within(20) { b.read("mnt/after") == "after\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(b.read("mnt/deep/keep") == "keep\n" && !b.has("mnt/hidden"))
    }

    @Test(.enabled(if: Mounted.isPossible))
    func `S44, S45 a file that cannot be changed is told, holds up nothing, and is done when it can be`()
        throws
    {
        let (setup, a, b) = try Setup.pair()
        try a.shell("echo 1 > edited; echo 1 > removed; mkdir d; echo 1 > d/f")
        try setup.settle()
        try b.shell("chattr +i edited removed")
        defer { _ = try? b.shell("chattr -i edited removed 2> /dev/null || true") }
        try a.shell("echo 22 > edited; rm removed; echo other > other; echo 2 > d/f")
        try within(5) { b.read("other") == "other\n" && b.read("d/f") == "2\n" }
        try within(5) { try Set(b.status().problems.map(\.path)) == ["edited", "removed"] }
        try throughout(3) { b.read("edited") == "1\n" && b.read("removed") == "1\n" && !a.has("removed") }
        #expect(a.read("edited") == "22\n")
        try b.shell("chattr -i edited removed")
        // Without a word, and at the latest after the longest pause between two attempts.
        try within(35) { b.read("edited") == "22\n" && !b.has("removed") }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
    }

    @Test func `S44 a file that cannot be read is told, kept, and holds up nothing`() throws {
        let setup = try Setup()
        let library = try Interposed.damagedDisk(under: "/bad", in: setup.directory)
        let damage = setup.directory + "/damage"
        let variables = ["LD_PRELOAD": library, "READING_FAILS": damage]
        let a = try setup.agent("a", variables: variables)
        let b = try setup.agent("b")
        try a.shell("echo 1 > bad; mkdir d; echo 1 > d/bad; echo 1 > good")
        try setup.settle()
        try Shell.run("touch damage", in: setup.directory)
        try a.shell("echo 22 > bad; echo 22 > good; echo 22 > other; mkdir e; echo 22 > e/bad")
        try within(5) { b.read("good") == "22\n" && b.read("other") == "22\n" }
        try within(5) { try a.status().problems.contains { $0.path == "bad" } }
        a.stop()
        try a.start([], variables)
        try b.write("back", "back")
        try within(10) { a.read("back") == "back" }
        try throughout(5) { b.read("bad") == "1\n" && b.read("d/bad") == "1\n" }
        #expect(try Set(a.status().problems.map(\.path)) == ["bad", "e/bad"])
        try Shell.run("rm damage", in: setup.directory)
        try within(35) { b.read("bad") == "22\n" && b.read("e/bad") == "22\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
    }

    /// The file system is one that tells of such stores.
    @Test(.enabled(if: Mounted.isPossible))
    func `S25 what is stored through a mapping that stays is seen by the next look`() throws {
        let setup = try Setup()
        _ = try setup.mount(ext4MiB: 40, on: "folder-a")
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("head -c 1000000 /dev/zero | tr '\\0' . > f")
        try setup.settle()
        let descriptor = open(a.folder + "/f", O_RDWR)
        let mapping = try #require(mmap(nil, 1_000_000, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0))
        close(descriptor)
        defer { munmap(mapping, 1_000_000) }
        for round in 0..<3 {
            for number in 0..<20 {
                mapping.copyMemory(from: "\(1000 * round + number + 10_000)", byteCount: 5)
                try throughout(0.05) { true }
            }
            try a.wait()
            try a.wait()
            try within(5) { b.read("f")?.hasPrefix("\(1000 * round + 10_019)..") == true }
        }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
    }
}
