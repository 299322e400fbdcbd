// SPDX-License-Identifier: Apache-2.0

#if DEBUG
    import Foundation
    import RelayCore
    import Testing

    /// Hubs that kill themselves at failpoints, and are started again: they have all that they said they had.
    @Suite(.serialized, .busyLane) struct HubCrashTests {
        @Test(arguments: Failpoint.of(.hub))
        func `S38 a hub killed at a failpoint has all that it said it had`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            world.setup.stopHub()
            try world.setup.startHub(point.kill)
            if point == .appliedSaved {
                // It is written with the next batch, or when the device goes.
                try world.a.write("first", "1\n")
                try within(20) { try world.setup.hub?.isRunning == false || world.hasApplied() }
                world.b.stop()
                try world.setup.waitForKillOfHub(at: point)
            }
            try world.changeWhileAway()
            try world.setup.waitForKillOfHub(at: point)
            try world.setup.startHub()
            if point == .appliedSaved { try world.b.start() }
            // Both are connected: who writes second may well know what the first wrote.
            try world.check(copies: 0...1)
        }

        @Test(arguments: Failpoint.of(.firstHub))
        func `S38 a hub killed at its first start is one at its second`(_ point: Failpoint) throws {
            let setup = try Setup(startsHub: false)
            if point == .segmentMade {
                // The first that is stored begins a segment.
                try setup.startHub(point.kill)
                try setup.agent("first").write("first", "1\n")
                try setup.waitForKillOfHub(at: point)
            } else {
                let killed = try ProgramRun(
                    "relay-server", ["run", "--data", setup.hubData, "--listen", "127.0.0.1:0"],
                    in: setup.directory, variables: point.kill)
                try killed.waitForKill(at: point)
            }
            try setup.startHub()
            let a = try setup.agent("a")
            try a.write("f", "1\n")
            let b = try setup.agent("b")
            try setup.settle()
            #expect(try setup.differences() == "" && b.read("f") == "1\n")
        }

        @Test(arguments: Failpoint.of(.invitation))
        func `S38 a hub killed while it invites and admits lets the device in`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            var link = try world.setup.invite()
            world.setup.stopHub()
            try world.setup.startHub(point.kill)
            let c = Agent(name: "c", setup: world.setup)
            if point == .inviteRecorded {
                #expect(try world.setup.server("invite").status != 0)
                try world.setup.waitForKillOfHub(at: point)
                try world.setup.startHub()
                link = try world.setup.invite()
            } else {
                try c.launch(["--join", link])
                try world.setup.waitForKillOfHub(at: point)
                c.stop()
                try world.setup.startHub()
            }
            try c.start(["--join", link])
            try c.wait()
            #expect(try Tree.listing(c.folder) == Tree.listing(world.a.folder))
            c.stop()
        }

        @Test(arguments: Failpoint.of(.restored))
        func `S38 a hub killed when its index was put back is told again what it lost`(
            _ point: Failpoint
        ) throws {
            let world = try CrashWorld()
            let setup = world.setup
            setup.stopHub()
            let share = try setup.shareDirectory()
            try Shell.run("mkdir ../kept; cp -a index.sqlite* ../kept/", in: share)
            try setup.startHub()
            try world.a.shell("echo 'edit by a' > edit; rm remove")
            try setup.settle()
            setup.stopHub()
            try Shell.run(
                "rm index.sqlite*; cp -a ../kept/* .; rm -f index.sqlite.head; rm -r ../kept", in: share)
            let killed = try ProgramRun(
                "relay-server", ["run", "--data", setup.hubData, "--listen", setup.address],
                in: setup.directory, variables: point.kill)
            try killed.waitForKill(at: point)
            try setup.startHub()
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(world.a.read("edit") == "edit by a\n" && !world.a.has("remove"))
            #expect(try world.a.conflictCopies() == [])
        }

        @Test(arguments: Failpoint.of(.healing))
        func `S38 a hub killed when it found damage heals it`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            let setup = world.setup
            try world.a.shell("head -c 3000000 /dev/urandom > big")
            try setup.settle()
            try within(10) { try setup.storedBytes() >= 3_000_000 }
            setup.stopHub()
            try Shell.run(
                """
                f=$(ls -S shares/*/segments/*.seg | head -1)
                printf '\\x00\\xff\\x00\\xff' | dd of=$f bs=1 seek=1500000 conv=notrunc status=none
                """, in: setup.hubData)
            try setup.startHub(point.kill)
            let c = Agent(name: "c", setup: setup)
            // It joins with a link of before, and asks for the damaged chunk.
            try c.start(["--join", try setup.invite()])
            try setup.waitForKillOfHub(at: point)
            try setup.startHub()
            try c.wait()
            #expect(try Tree.listing(c.folder) == Tree.listing(world.a.folder))
            try within(10, "it is stored again") { try setup.storedBytes() >= 3_000_000 }
            c.stop()
        }

        @Test(arguments: Failpoint.of(.access))
        func `S38 a hub killed while somebody's access changes has changed it`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            let (setup, b) = (world.setup, world.b)
            if point == .readmissionRecorded { #expect(try setup.server("revoke", "b").status == 0) }
            setup.stopHub()
            try setup.startHub(point.kill)
            switch point {
            case .revocationRecorded: #expect(try setup.server("revoke", "b").status != 0)
            case .readmissionRecorded: #expect(try setup.server("readmit", "b").status != 0)
            default:
                let left = try b.control("leave")
                #expect(left.status == 0 && left.output.contains("does not know"), "\(left.output)")
            }
            try setup.waitForKillOfHub(at: point)
            try setup.startHub()
            let devices = try setup.server("devices").output
            switch point {
            case .revocationRecorded:
                try b.waitForReport("it is refused") { $0.cause == .revoked }
                #expect(devices.contains("revoked"))
                #expect(try setup.server("readmit", "b").status == 0)
            case .readmissionRecorded: #expect(!devices.contains("revoked"))
            default:
                #expect(!devices.contains(" b "))
                b.stop()
                try b.start(["--join", try setup.invite()])
            }
            try world.changeWhileAway()
            try world.check(copies: 0...1)
        }
    }
#endif
