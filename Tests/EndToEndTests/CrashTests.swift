// SPDX-License-Identifier: Apache-2.0

#if DEBUG
    import Foundation
    import RelayCore
    import Testing

    /// Programs that kill themselves at failpoints, and are started again: nothing is lost, nothing is left.
    @Suite(.serialized, .firstLane) struct CrashTests {
        @Test(arguments: Failpoint.allCases.filter { $0.place == .folder })
        func `S38 an agent killed at a failpoint goes on as if nothing had been`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            world.b.stop()
            try world.changeWhileAway()
            try world.b.launch([], ["RELAY_FAILPOINT": point.rawValue])
            try world.b.waitForKill(at: point)
            try world.b.start()
            try world.check()
        }

        @Test(arguments: Failpoint.allCases.filter { $0.place == .join })
        func `S38 an agent killed while it joins joins with the same link`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            let link = try world.setup.invite()
            let c = Agent(name: "c", setup: world.setup)
            try c.launch(["--join", link], ["RELAY_FAILPOINT": point.rawValue])
            try c.waitForKill(at: point)
            try c.start(["--join", link])
            try c.wait()
            #expect(try Tree.listing(c.folder) == Tree.listing(world.a.folder))
            c.stop()
        }

        @Test(arguments: Failpoint.allCases.filter { $0.place == .hub })
        func `S38 a hub killed at a failpoint has all that it said it had`(_ point: Failpoint) throws {
            let world = try CrashWorld()
            world.setup.stopHub()
            try world.setup.startHub(["RELAY_FAILPOINT": point.rawValue])
            let isAboutJoining = point == .tokenRedeeming || point == .tokenRedeemed
            if isAboutJoining {
                let link = try world.setup.invite()
                let c = Agent(name: "c", setup: world.setup)
                try c.launch(["--join", link])
                try world.setup.waitForKillOfHub(at: point)
                c.stop()
                try world.setup.startHub()
                try c.start(["--join", link])
                try c.wait()
                #expect(try Tree.listing(c.folder) == Tree.listing(world.a.folder))
                c.stop()
                return
            }
            try world.changeWhileAway()
            try world.setup.waitForKillOfHub(at: point)
            try world.setup.startHub()
            // Both are connected: who writes second may well know what the first wrote.
            try world.check(copies: 0...1)
        }
    }

    extension Failpoint {
        enum Place { case join, folder, hub, collection }

        var place: Place {
            switch self {
            case .joinAdopted, .joinEnrolled, .joinRecorded: .join
            case .chunksAppended, .chunksSynced, .commitOpen, .committed, .chunksKept, .tokenRedeeming,
                .tokenRedeemed:
                .hub
            case .garbageMarked, .garbageRemoved, .segmentCopied, .segmentSynced, .segmentVacated,
                .segmentRemoved:
                .collection
            default: .folder
            }
        }
    }

    /// Two agents in sync, and what happens to both.
    private final class CrashWorld {
        let setup: Setup
        let a: Agent
        let b: Agent

        init() throws {
            setup = try Setup()
            a = try setup.agent("a")
            b = try setup.agent("b")
            try a.shell(
                """
                for name in edit remove mode both; do echo "$name at first" > $name; done
                mkdir -p gone/deep from; echo 1 > gone/deep/file; echo 2 > from/file; ln -s nowhere link
                """)
            try setup.settle()
        }

        /// Every kind of step for `b`, and changes of its own beside.
        func changeWhileAway() throws {
            try b.shell("echo 'both by b' > both; echo local > local; mkdir own; echo 3 > own/file")
            try a.shell(
                """
                echo 'both by a' > both; echo 'edit by a' > edit; rm -r remove gone; chmod 600 mode
                mv from to; mkdir -p made/deep; echo new > made/deep/new; ln -sfn elsewhere link
                head -c 3000000 /dev/urandom > large
                """)
        }

        /// `copies`: how many conflict copies there may be of the file that both changed.
        func check(copies expected: ClosedRange<Int> = 1...1) throws {
            try setup.settle()
            #expect(try setup.differences() == "")
            for agent in [a, b] {
                #expect(agent.read("edit") == "edit by a\n")
                #expect(agent.read("to/file") == "2\n" && agent.read("made/deep/new") == "new\n")
                #expect(agent.read("local") == "local\n" && agent.read("own/file") == "3\n")
                #expect(agent.read("remove") == nil && agent.read("gone/deep/file") == nil)
                let copies = try agent.conflictCopies()
                #expect(expected.contains(copies.count))
                let contents = Set((copies + ["both"]).compactMap { agent.read($0) })
                #expect(
                    contents == ["both by a\n", "both by b\n"]
                        || copies.isEmpty && contents == ["both by a\n"])
                #expect(try agent.shell("ls -A .relay/stage .relay/park | grep -v ^.relay || true") == "\n")
            }
        }
    }

    extension Agent {
        func waitForKill(at point: Failpoint) throws { try run?.waitForKill(at: point) }
    }

    extension Setup {
        func waitForKillOfHub(at point: Failpoint) throws { try hub?.waitForKill(at: point) }
    }

    extension ProgramRun {
        func waitForKill(at point: Failpoint) throws {
            let deadline = Date(timeIntervalSinceNow: 30)
            while isRunning, Date() < deadline { usleep(2000) }
            guard !isRunning else { throw TestFailure("\(point.rawValue) was not reached: \(errors)") }
            #expect(waitForEnd().status == SIGKILL)
        }
    }
#endif
