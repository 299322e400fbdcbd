// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import Testing

/// The folder's disk, and the agent's own, come and go.
@Suite(.serialized, .busyLane, .enabled(if: Mounted.isPossible)) struct ScenarioRootTests {
    /// Two agents in sync, the second one's folder on a disk of its own.
    private func world() throws -> (Setup, Agent, Agent, Mounted) {
        let setup = try Setup()
        let disk = try setup.mount(ext4MiB: 40, on: "folder-b")
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("for i in 1 2 3 4 5; do echo $i > f$i; done; mkdir d; echo d > d/f")
        try setup.settle()
        return (setup, a, b, disk)
    }

    @Test func `S28 a folder whose disk goes away halts, and goes on when it is back`() throws {
        let (setup, a, b, disk) = try world()
        disk.unmount(lazily: true)
        try within(10) { try b.status().state == .halted }
        #expect(try b.status().reason?.isEmpty == false)
        try a.shell("echo new > f1; rm f2; echo 6 > f6")
        try a.wait()
        try throughout(3) { a.count("") == 7 && b.count("") == 0 }
        try disk.mount()
        try within(10) { b.read("f1") == "new\n" && !b.has("f2") && b.has("f6") }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.has("f3") && a.has("d/f"))
    }

    @Test func `S29 an agent whose folder is missing at the start halts, and goes on when it is there`()
        throws
    {
        let (setup, a, b, disk) = try world()
        b.stop()
        disk.unmount()
        try b.start()
        try within(10) { try b.status().state == .halted }
        #expect(try b.status().reason?.isEmpty == false)
        try a.shell("echo new > f1")
        try throughout(3) { a.count("") == 7 && b.count("") == 0 }
        try disk.mount()
        try within(10) { b.read("f1") == "new\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.has("f2") && a.has("d/f"))
        // The same with a folder that is simply not there.
        b.stop()
        disk.unmount()
        try Shell.run("rmdir folder-b", in: setup.directory)
        try b.start()
        try within(10) { try b.status().state == .halted }
        try throughout(2) { a.count("") == 7 && !b.has("") }
        try disk.mount()
        try within(10) { b.read("d/f") == "d\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test func `S30 a folder that can only be read says so, deletes nothing, and goes on when it can`() throws
    {
        let (setup, a, b, disk) = try world()
        try disk.remount("ro")
        try a.shell("echo new > f1; rm f2; echo 6 > f6; mv d e")
        try a.wait()
        try within(10) { try b.control("status").output.contains("read-only") }
        try throughout(3) { b.read("f1") == "1\n" && b.has("f2") && b.has("d/f") && a.count("") == 7 }
        #expect(try b.status().state != .inSync)
        try disk.remount("rw")
        try within(35) { b.read("f1") == "new\n" && !b.has("f2") && b.has("f6") && b.has("e/f") }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
    }

    @Test func `S43 an agent whose state's disk is full stops acting, and merges all when it has room`()
        throws
    {
        let setup = try Setup()
        _ = try setup.mount(tmpfs: "6m", on: "state-b")
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("mkdir d; for i in $(seq 50); do echo $i > d/$i; done")
        try setup.settle()
        try Shell.run("head -c 20m /dev/zero > fill 2> /dev/null || true", in: b.state)
        try a.shell("rm d/1; echo edited > d/2; for i in $(seq 300); do echo $i > n$i; done")
        try b.shell("echo 'by b' > d/3; rm d/4")
        try a.wait()
        try within(20) { try b.control("status").output.contains("full") }
        try throughout(3) { a.count("d") == 49 }
        try Shell.run("rm fill", in: b.state)
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.read("d/3") == "by b\n" && b.read("d/2") == "edited\n" && b.read("n300") == "300\n")
        #expect(a.count("d") == 48 && a.count("") == 302)
        #expect(try a.conflictCopies() == [])
    }
}
