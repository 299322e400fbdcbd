// SPDX-License-Identifier: Apache-2.0

#if DEBUG
    import Foundation
    import RelayCore
    import Testing

    /// Agents that kill themselves at failpoints, and are started again: nothing is lost, nothing is left.
    @Suite(.serialized, .busyLane) struct CrashTests {
        @Test(arguments: Failpoint.of(.folder))
        func `S38 an agent killed at a failpoint goes on as if nothing had been`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            world.b.stop()
            try world.changeWhileAway()
            try world.b.launch([], point.kill)
            try world.b.waitForKill(at: point)
            try world.b.start()
            try world.check()
        }
    }

    /// As `CrashTests`, where it takes more than catching up to get there.
    @Suite(.serialized, .busyLane) struct CrashSceneTests {
        @Test(arguments: Failpoint.of(.join))
        func `S38 an agent killed while it joins joins with the same link`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            let link = try world.setup.invite()
            let c = Agent(name: "c", setup: world.setup)
            try c.launch(["--join", link], point.kill)
            try c.waitForKill(at: point)
            try c.start(["--join", link])
            try c.wait()
            #expect(try Tree.listing(c.folder) == Tree.listing(world.a.folder))
            #expect(try c.conflictCopies() == [])
            c.stop()
        }

        @Test(arguments: Failpoint.of(.protected))
        func `S38 a directory that was writable for a step is as it was after a crash`(
            _ point: Failpoint
        ) throws {
            let world = try CrashWorld(isProtected: true)
            world.b.stop()
            try world.a.shell("echo 2 > locked/edit; rm locked/remove; echo 3 > locked/new")
            try world.b.launch([], point.kill, wrapper: Wrapper.nobody)
            try world.b.waitForKill(at: point)
            try world.b.start(wrapper: Wrapper.nobody)
            try world.setup.settle()
            #expect(try world.setup.differences() == "")
            for agent in [world.a, world.b] {
                #expect(try agent.shell("stat -c %a locked; cat locked/edit locked/new") == "555\n2\n3\n")
            }
            try world.checkResidue(world.b)
        }

        @Test(arguments: Failpoint.of(.late))
        func `S38 a late edit that comes back is back once, after a crash too`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            world.b.stop()
            try world.b.start([], point.kill)
            let writer = try FileHandle(forUpdating: URL(fileURLWithPath: world.b.folder + "/remove"))
            try writer.seekToEnd()
            try world.a.shell("rm remove")
            try within(10) { !world.b.has("remove") }
            try writer.write(contentsOf: Data("LATE".utf8))
            try writer.close()
            try world.b.waitForKill(at: point)
            try world.b.start()
            try world.setup.settle()
            #expect(try world.setup.differences() == "")
            #expect(world.a.read("remove") == "remove at first\nLATE")
            #expect(try world.a.conflictCopies() == [])
            try world.checkResidue(world.b)
        }

        @Test(arguments: Failpoint.of(.hold))
        func `S38 a folder that was held when its agent was killed is held, or as it was answered`(
            _ point: Failpoint
        ) throws {
            let setup = try Setup()
            let (a, b) = (try setup.agent("a"), try setup.agent("b"))
            try a.shell("for i in $(seq 20); do echo $i > f$i; done")
            try setup.settle()
            b.stop()
            try b.start([], point.kill)
            try b.wait()
            try b.shell("rm f*")
            if point == .holdEnded {
                try b.waitForReport("it is held") { $0.cause == .held }
                _ = try b.control("reject")
            }
            try b.waitForKill(at: point)
            #expect(try a.shell("ls | wc -l") == "20\n")
            try b.start()
            if point == .holdBegun {
                try b.waitForReport("it is held") { $0.cause == .held }
                #expect(try b.control("reject").status == 0)
            }
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(try a.shell("ls | wc -l") == "20\n")
        }

        @Test(arguments: Failpoint.of(.fork))
        func `S38 an agent killed when it finds the hub set back tells it what it lost`(
            _ point: Failpoint
        ) throws {
            let world = try CrashWorld()
            world.setup.stopHub()
            try Shell.run("cp -a hub backup", in: world.setup.directory)
            try world.setup.startHub()
            try world.a.shell("echo 'edit by a' > edit; rm remove; mv from to")
            try world.setup.settle()
            world.setup.stopHub()
            world.b.stop()
            try Shell.run("rm -rf hub; mv backup hub", in: world.setup.directory)
            try world.setup.startHub()
            try world.b.launch([], point.kill)
            try world.b.waitForKill(at: point)
            try world.b.start()
            try world.setup.settle()
            #expect(try world.setup.differences() == "")
            #expect(world.a.read("edit") == "edit by a\n" && !world.a.has("remove"))
            #expect(world.a.read("to/file") == "2\n" && !world.a.has("from"))
            #expect(try world.a.conflictCopies() == [])
        }

        @Test(arguments: Failpoint.of(.losses))
        func `S38 an agent killed after it looked for lost writes has lost none`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            world.b.stop()
            // As if the file system had been mounted anew since.
            try Shell.run(
                "for f in folders/*/; do echo other > $f/replica.sqlite-run; done", in: world.b.state)
            try world.changeWhileAway()
            try world.b.launch([], point.kill)
            try world.b.waitForKill(at: point)
            try world.b.start()
            try world.check()
        }

        @Test(arguments: Failpoint.of(.comparison))
        func `S38 an agent killed after a comparison goes on`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            world.b.stop()
            // Every second.
            try world.b.launch(["--verify-every", "0.0003"], point.kill)
            try world.b.waitForKill(at: point)
            try world.changeWhileAway()
            try world.b.start()
            try world.check()
            #expect(try world.b.report().verification.differences == 0)
        }

        @Test(arguments: Failpoint.of(.person))
        func `S38 what a person asked for when the agent was killed is done or not, and can be asked again`(
            _ point: Failpoint
        ) throws {
            let world = try CrashWorld()
            let (a, b) = (world.a, world.b)
            b.stop()
            try b.start([], point.kill)
            try b.wait()
            try Shell.run("echo uploaded > outside", in: world.setup.directory)
            func ask() throws -> Int32 {
                guard point == .treeEmptied else {
                    return try b.control("upload", "outside", "--to", "wanted/deep/file").status
                }
                return try b.control("delete", "gone").status
            }
            #expect(try ask() != 0)
            try b.waitForKill(at: point)
            try b.start()
            try b.wait()
            let again = try ask()
            #expect(again == 0 || point == .treeEmptied && again == 5)
            try world.setup.settle()
            #expect(try world.setup.differences() == "")
            if point == .treeEmptied {
                #expect(!a.has("gone"))
            } else {
                #expect(a.read("wanted/deep/file") == "uploaded\n")
                #expect(try a.conflictCopies() == [])
            }
            try world.checkResidue(b)
        }

        @Test(arguments: Failpoint.of(.departure))
        func `S38 an agent killed while a folder is given up keeps all, and gives it up at last`(
            _ point: Failpoint
        ) throws {
            let world = try CrashWorld()
            let (a, b) = (world.a, world.b)
            try b.shell("echo unsynced > unsynced")
            try b.wait()
            b.stop()
            try b.start([], point.kill)
            try b.wait()
            let before = try Tree.listing(b.folder)
            #expect(try b.control("leave").status != 0)
            try b.waitForKill(at: point)
            try b.start()
            try within(10, "the folder is halted, or offline") {
                try [.halted, .offline].contains(b.report().state)
            }
            let left = try b.control("leave")
            #expect(left.status == 0, "\(left.errors)")
            #expect(try Tree.listing(b.folder) == before && !b.has(".relay"))
            #expect(try Tree.listing(a.folder) == before)
            #expect(try Shell.run("ls \(b.state)/folders | wc -l") == "0\n")
            b.stop()
            try b.start(["--join", try world.setup.invite()])
            try world.setup.settle()
            #expect(try world.setup.differences() == "")
            #expect(try a.conflictCopies() == [])
        }
    }
#endif
