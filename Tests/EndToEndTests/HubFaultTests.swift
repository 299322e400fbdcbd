// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Disks and files of the hub that fail: nothing is lost, everybody is told, and all goes on by itself.
@Suite(.serialized, .busyLane, .enabled(if: Mounted.isPossible)) struct HubFaultTests {
    @Test func `S42 what was committed while the store was full is stored once there is room`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        try a.write("one", "1\n")
        try setup.settle()
        a.stop()
        setup.stopHub()
        let disk = try HubDisk(over: setup.shareDirectory() + "/segments", size: "300k")
        defer {
            setup.stopHub()
            disk.unmount()
        }
        try setup.startHub()
        try a.start()
        try disk.fill()
        try a.shell(
            """
            for i in $(seq 20); do head -c 3000 /dev/urandom > small$i; done
            head -c 200000 /dev/urandom > large
            """)
        // The commits stand: the author has the contents.
        try setup.settle()
        #expect(try setup.hubStatus().output.contains("disk full"))
        #expect(try setup.segmentBytes() < 10_000)
        try disk.free(size: "20m")
        try within(30, "the contents are stored") { try setup.segmentBytes() > 260_000 }
        a.stop()
        let c = try setup.agent("c")
        try c.wait()
        #expect(try Tree.listing(c.folder) == Tree.listing(a.folder))
        #expect(!(try setup.hubStatus().output.contains("disk full")))
        c.stop()
    }

    @Test func `S42 a full disk under the index holds up changes only, and says so`() throws {
        let setup = try Setup()
        setup.stopHub()
        let disk = try HubDisk(over: setup.hubData, size: "24m")
        defer {
            setup.stopHub()
            disk.unmount()
        }
        try setup.startHub()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("echo 1 > one; head -c 4000000 /dev/urandom > big")
        try setup.settle()
        try within(10, "the hub has the content") { try setup.segmentBytes() > 4_000_000 }
        a.stop()
        try disk.fill()
        try b.shell("mkdir many; for i in $(seq 3000); do echo $i$i$i > many/$i; done")
        try within(20, "b says why its changes wait") {
            try b.control("status").output.contains("the hub's disk is full")
        }
        #expect(try setup.hubStatus().output.contains("disk full"))
        // Reading goes on, and nobody is sent away.
        try a.start()
        try within(10, "a is connected") { try !a.control("status").output.contains("offline") }
        for _ in 0..<20 {
            for agent in [a, b] { #expect(!(try agent.control("status").output.contains("offline"))) }
        }
        try a.shell("rm big; echo local > more")
        let copy = setup.directory + "/copy"
        #expect(try b.control("download", "big", "-o", copy).status == 0)
        #expect(try Shell.run("stat -c %s '\(copy)'") == "4000000\n")
        #expect(try a.shell("find . -name many | wc -l") == "0\n")
        try disk.free(size: "60m")
        try within(60, "the changes are decided") {
            try a.shell("find . -path './many/*' | wc -l") == "3000\n"
        }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(b.read("more") == "local\n" && b.read("big") == nil)
        #expect(!(try b.control("status").output.contains("disk is full")))
        for agent in [a, b] { agent.stop() }
    }

    @Test(arguments: ["index.sqlite", "index.sqlite-wal"])
    func `S49 a share whose index is gone is refused, and everybody is told`(_ name: String) throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("mkdir d; for i in $(seq 10); do echo $i > d/$i; done")
        try setup.settle()
        setup.stopHub(with: SIGKILL)
        let share = try setup.shareDirectory()
        try Shell.run("mkdir aside; cp -a '\(share)/.' aside/; rm '\(share)/\(name)'", in: setup.directory)
        let before = try Shell.run("cksum index.sqlite 2>/dev/null || echo none", in: share)
        try setup.startHub()
        try b.shell("rm d/1; echo new > d/new")
        try within(20, "the agent says why") {
            let status = try b.control("status").output
            return status.contains(share + "/index.sqlite") && status.contains("put back")
        }
        #expect(try setup.hubStatus().output.contains(share + "/index.sqlite"))
        #expect(try setup.hubStatus("--json").output.contains("\"trouble\""))
        // Nothing began anew, and nobody lost anything.
        #expect(try Shell.run("cksum index.sqlite 2>/dev/null || echo none", in: share) == before)
        #expect(try a.shell("ls d | wc -l") == "10\n" && b.read("d/new") == "new\n")
        setup.stopHub()
        try Shell.run("cp -a aside/. '\(share)/'", in: setup.directory)
        try setup.startHub()
        try within(60, "the change arrives") { a.read("d/new") == "new\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.read("d/1") == nil)
    }

    @Test func `S49 a hub does not begin anew when its registry is gone`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        try a.write("one", "1\n")
        try setup.settle()
        setup.stopHub()
        try Shell.run("mkdir aside; mv hub.sqlite* aside/", in: setup.hubData)
        let refused = try ProgramRun(
            "relay-server", ["run", "--data", setup.hubData, "--listen", setup.address], in: setup.directory
        ).waitForEnd()
        #expect(refused.status == 1 && refused.errors.contains(setup.hubData + "/hub.sqlite"))
        #expect(refused.errors.contains("put back"))
        #expect(
            try Shell.run("find . -name 'hub.sqlite*' -not -path './aside/*' | wc -l", in: setup.hubData)
                == "0\n")
        try Shell.run("mv aside/* .", in: setup.hubData)
        try setup.startHub()
        try a.write("two", "2\n")
        try setup.settle()
        let b = try setup.agent("b")
        try b.wait()
        #expect(b.read("one") == "1\n" && b.read("two") == "2\n")
    }

    @Test func `S46 a hub without descriptors forgets nothing, and goes on when it has some`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try setup.settle()
        b.stop()
        try a.shell("head -c 300000 /dev/urandom > large")
        try a.wait()
        try within(10, "the hub has the content") { try setup.segmentBytes() > 300_000 }
        a.stop()
        setup.stopHub()
        // A second segment, so that the hub opens the first one when it is asked for what lies there.
        let segments = try setup.shareDirectory() + "/segments"
        try Shell.run(
            #"printf 'RELAYSEG\000\000\000\001\000\000\000\001' > 00000001.seg; chmod 600 00000001.seg"#,
            in: segments)
        let faults = setup.directory + "/faults"
        try Shell.run("mkdir faults", in: setup.directory)
        try setup.startHub([
            "LD_PRELOAD": try Interposed.noDescriptors(in: setup.directory), "NO_DESCRIPTORS": faults,
        ])
        try Shell.run("touch '\(faults)/read'")
        try b.launch()
        try within(20, "the hub cannot read the content") {
            setup.hub?.errors.contains("cannot read stored chunks") == true
        }
        #expect(b.read("large") == nil)
        try Shell.run("rm '\(faults)/read'")
        try within(20, "the content arrives from the hub alone") {
            FileManager.default.fileExists(atPath: b.folder + "/large")
        }
        #expect(try Tree.listing(a.folder) == Tree.listing(b.folder))
        #expect(setup.hub?.errors.contains("damaged") == false)
        // Without any, nobody gets in; with some again, everybody does.
        try Shell.run("touch '\(faults)/accept'")
        try a.launch()
        try within(10, "the agent is kept out") {
            try a.control("status").output.contains("offline")
        }
        try Shell.run("rm '\(faults)/accept'")
        try a.write("after", "ok\n")
        try within(60, "the agent gets in") { b.read("after") == "ok\n" }
    }

    @Test func `S46 a hub with few descriptors outlives those who crowd in`() throws {
        let setup = try Setup(startsHub: false)
        try setup.startHub(wrapper: Wrapper.descriptors(64))
        let a = try setup.agent("a")
        try a.write("before", "ok\n")
        try setup.settle()
        let server = try Programs.path("relay-server")
        let port = setup.address.split(separator: ":").joined(separator: "/")
        let descriptors = "/proc/\(try #require(setup.hub?.processID))/fd"
        let before = try FileManager.default.contentsOfDirectory(atPath: descriptors).count
        try Shell.run(
            """
            for i in $(seq 100); do exec {one}<>/dev/tcp/\(port); done
            for i in $(seq 10); do '\(server)' status --data '\(setup.hubData)' || exit 1; done
            """, in: setup.directory)
        #expect(setup.hub?.isRunning == true)
        // Whoever joins while they are still there may be sent away.
        try within(20, "the hub closes what those who crowded in left") {
            try FileManager.default.contentsOfDirectory(atPath: descriptors).count <= before + 2
        }
        let b = try setup.agent("b")
        try a.write("after", "ok\n")
        try setup.settle()
        #expect(b.read("before") == "ok\n" && b.read("after") == "ok\n")
    }
}
