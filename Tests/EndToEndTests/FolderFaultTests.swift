// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Folders on disks that are full or broken, and files that are hard to read: nothing is lost, nothing hangs.
@Suite(.serialized, .busyLane, .enabled(if: Mounted.isPossible)) struct FolderFaultTests {
    @Test func `S41 files that together are too large for what is free come one after the other`() throws {
        let setup = try Setup()
        let disk = try FolderDisk(setup.directory + "/folder-b", tmpfs: "size=24m")
        defer { withExtendedLifetime(setup) { disk.unmount() } }
        let (a, b) = (try setup.agent("a"), try setup.agent("b"))
        try a.shell("for i in 1 2 3 4 5; do head -c 3000000 /dev/urandom > f$i; done")
        try setup.settle()
        b.stop()
        try a.shell("for i in 1 2 3 4 5; do head -c 3000000 /dev/urandom > f$i; done")
        try a.wait()
        try b.start()
        try b.wait(seconds: 60)
        #expect(try setup.differences() == "")
    }

    @Test func `S41 what does not fit says so, harms nothing, and comes when there is room`() throws {
        let setup = try Setup()
        let disk = try FolderDisk(setup.directory + "/folder-b", tmpfs: "size=24m")
        defer { withExtendedLifetime(setup) { disk.unmount() } }
        let (a, b) = (try setup.agent("a"), try setup.agent("b"))
        try a.shell("echo old > f; echo gone > gone")
        try setup.settle()
        try b.shell("head -c 20000000 /dev/zero > .relay/ballast")
        try a.shell("head -c 9000000 /dev/urandom > f")
        try a.wait()
        #expect(
            try holds(within: 20) {
                let status = try b.control("status").output
                return status.contains("cannot stage 9000000 bytes: disk full")
            })
        #expect(b.read("f") == "old\n")
        try a.shell("echo small > small; rm gone")
        #expect(try holds(within: 20) { b.read("small") == "small\n" && b.read("gone") == nil })
        #expect(try b.shell("ls -A .relay/stage") == "")
        // The last bit is taken too.
        try b.shell("cat /dev/zero > .relay/rest 2>/dev/null || true; rm .relay/ballast")
        try b.shell("cat /dev/zero > .relay/rest 2>/dev/null || true")
        try a.shell("rm small")
        #expect(try holds(within: 20) { b.read("small") == nil })
        try b.shell("rm .relay/rest")
        try b.wait(seconds: 30)
        #expect(try setup.differences() == "")
    }

    @Test func `a folder whose working directories were removed goes on`() throws {
        let setup = try Setup()
        let (a, b) = (try setup.agent("a"), try setup.agent("b"))
        try a.shell("echo 1 > f; echo 1 > g; mkdir d")
        try setup.settle()
        try b.shell("rm -r .relay/stage .relay/park")
        try a.shell("echo 22 > f; rm g; echo 3 > d/h")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(b.read("f") == "22\n" && b.read("d/h") == "3\n")
    }

    @Test func `a dead mount hides nothing but itself`() throws {
        let setup = try Setup()
        let (a, b) = (try setup.agent("a"), try setup.agent("b"))
        try a.shell("mkdir mnt; echo 1 > mnt/kept; echo 1 > f")
        try setup.settle()
        a.stop()
        let dead = try FolderDisk(deadAt: a.folder + "/mnt")
        defer { withExtendedLifetime(setup) { dead.unmount() } }
        // What only a look through the folder can find.
        try a.shell("echo 22 > f; echo new > new")
        try a.start()
        #expect(try holds(within: 20) { b.read("f") == "22\n" && b.read("new") == "new\n" })
        #expect(try a.control("status").output.contains("mnt"))
        try b.shell("echo b > b")
        #expect(try holds(within: 20) { a.read("b") == "b\n" })
        #expect(b.read("mnt/kept") == "1\n")
        dead.unmount()
        try setup.settle()
        #expect(try setup.differences() == "" && a.read("mnt/kept") == "1\n")
    }

    @Test func `S46 an agent with few descriptors gets in sync`() throws {
        let setup = try Setup()
        let (a, b) = (try setup.agent("a"), try setup.agent("b"))
        let id = try #require(b.run?.processID)
        try Shell.run("prlimit --pid \(id) --nofile=64:64")
        try a.shell("mkdir -p d/{1..60}/{1..5}; for i in d/*/*; do echo $i > $i/f; done")
        try a.shell("head -c 5000000 /dev/urandom > big")
        try setup.settle()
        #expect(try setup.differences() == "")
        try b.shell("for i in d/*/*; do echo again $i > $i/f; done")
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test func `S46 an agent with few descriptors serves many callers, one after the other`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let id = try #require(a.run?.processID)
        try Shell.run("prlimit --pid \(id) --nofile=64:64")
        try a.shell("head -c 3000000 /dev/urandom > big")
        try a.wait()
        let control = try Programs.path("relay-ctl")
        try Shell.run(
            """
            for i in $(seq 80); do
                \(control) --state '\(a.state)' download big -o copy$i --timeout 60 & tasks+=($!)
            done
            for task in ${tasks[@]}; do wait $task; done
            for i in $(seq 80); do cmp copy$i folder-a/big; done
            """, in: setup.directory)
        #expect(a.isRunning)
        try a.write("next", "1\n")
        try a.wait()
    }

    @Test func `S25 a file in memory that stays mapped is in sync while it stays the same`() throws {
        let setup = try Setup()
        let disk = try FolderDisk(setup.directory + "/folder-a", tmpfs: "size=64m")
        defer { withExtendedLifetime(setup) { disk.unmount() } }
        let (a, b) = (try setup.agent("a"), try setup.agent("b"))
        try a.shell("head -c 1000000 /dev/zero > m")
        try setup.settle()
        let file = open(a.folder + "/m", O_RDWR | O_CLOEXEC)
        let mapped = try #require(mmap(nil, 1_000_000, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0))
        close(file)
        mapped.copyMemory(from: Array("first".utf8), byteCount: 5)
        #expect(utimes(a.folder + "/m", nil) == 0)
        #expect(try holds(within: 20) { b.read("m")?.hasPrefix("first") == true })
        try setup.settle(seconds: 20)
        #expect(try setup.differences() == "")
        // No file system tells of this one; it is found all the same.
        mapped.copyMemory(from: Array("later".utf8), byteCount: 5)
        #expect(try holds(within: 45) { b.read("m")?.hasPrefix("later") == true })
        munmap(mapped, 1_000_000)
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test func `S67 files that take hours to read hold up nothing`() throws {
        let setup = try Setup()
        let (a, b) = (try setup.agent("a"), try setup.agent("b"))
        try a.shell("for i in 1 2 3 4; do truncate -s 1T huge$i; done")
        #expect(try holds(within: 10) { try a.control("status").output.contains("huge1") })
        for number in 1...3 {
            try a.write("quick", "\(number)")
            #expect(try holds(within: 5) { b.read("quick") == "\(number)" })
        }
    }

    @Test func `S67 a sparse file costs what its data costs`() throws {
        let setup = try Setup()
        let (a, b) = (try setup.agent("a"), try setup.agent("b"))
        let begin = Date()
        try a.shell(
            """
            truncate -s 64G ../sparse; truncate -s 512K zeros
            for at in 0 1000 65535; do
                dd if=/dev/urandom of=../sparse bs=1M count=1 seek=$at conv=notrunc status=none
            done
            mv ../sparse .
            """)
        try setup.settle(seconds: 90)
        #expect(Date().timeIntervalSince(begin) < 60)
        let size = "68719476736 524288"
        #expect(try b.shell("echo $(stat -c %s sparse zeros)") == size + "\n")
        #expect(
            try b.shell("[ $(du -k sparse | cut -f1) -lt 5000 ] && [ $(du -k zeros | cut -f1) -lt 64 ]") == ""
        )
        for at in [0, 1000, 65535] {
            try Shell.run(
                "cmp -n 1048576 -i $((\(at) * 1048576)) folder-a/sparse folder-b/sparse", in: setup.directory)
        }
        #expect(try setup.storedBytes() < 5_000_000)
        // A copy in the same folder is one of the data alone as well, and a hole that gets data is seen.
        try b.shell("cp --sparse=always zeros zeros2; mv sparse moved")
        try a.shell("truncate -s 3G other; printf data | dd of=other bs=1 seek=2G conv=notrunc status=none")
        try setup.settle(seconds: 90)
        #expect(try b.shell("dd if=other bs=4 skip=536870912 count=1 status=none") == "data")
        #expect(try a.shell("stat -c %s moved") == "68719476736\n")
        #expect(try a.conflictCopies() == [])
    }

    @Test func `S68 a directory's bits that are not shared hold up no change of its mode`() throws {
        let setup = try Setup()
        let (a, b) = (try setup.agent("a"), try setup.agent("b"))
        try a.shell("mkdir d")
        try setup.settle()
        try b.shell("chmod g+s d")
        try setup.settle()
        try a.shell("chmod 700 d")
        try setup.settle(seconds: 20)
        #expect(try b.shell("stat -c %a d") == "700\n")
    }
}
