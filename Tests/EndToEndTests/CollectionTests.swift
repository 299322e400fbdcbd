// SPDX-License-Identifier: Apache-2.0

#if DEBUG
    import Foundation
    import RelayCore
    import Testing

    /// What the hub does not retain any more goes, and nothing else, whenever the hub dies.
    @Suite(.serialized, .busyLane) struct CollectionTests {
        /// Files of a megabyte, every other of which is replaced later.
        private func world(_ hubOptions: [String]) throws -> (Setup, Agent) {
            let setup = try Setup(hubOptions: hubOptions)
            let a = try setup.agent("a")
            for round in 0..<4 {
                try a.shell(
                    """
                    head -c 300000 /dev/urandom > kept\(round); head -c 1000000 /dev/urandom > old\(round)
                    echo \(round) > small\(round); cp old\(round) same\(round)
                    """)
                try a.wait()
            }
            try within(20, "all is stored") { try setup.storedBytes() > 5_200_000 }
            return (setup, a)
        }

        private func replace(_ a: Agent) throws {
            try a.shell(
                """
                for i in 0 1 2 3; do
                    head -c 1000 /dev/urandom > old$i; rm same$i; echo again $i > small$i
                done
                """)
        }

        /// A device that comes when no other is online gets everything.
        private func check(_ setup: Setup, _ a: Agent) throws {
            #expect(try setup.verifyStore().status == 0)
            a.stop()
            let c = try setup.agent("c")
            try c.wait()
            #expect(try Tree.listing(c.folder) == Tree.listing(a.folder))
            c.stop()
        }

        @Test(arguments: Failpoint.of(.collection))
        func `S38 a hub killed while it collects serves everything that is current`(
            _ point: Failpoint
        ) throws {
            let (setup, a) = try world(["--keep-history", "0s"])
            setup.stopHub()
            try setup.startHub(["RELAY_FAILPOINT": point.rawValue])
            try replace(a)
            try setup.waitForKillOfHub(at: point)
            try setup.startHub()
            try a.wait()
            try within(30, "the room is given back") { try setup.storedBytes() < 3_000_000 }
            try check(setup, a)
        }

        @Test func `contents that are not retained give their room back while others are read`() throws {
            let (setup, a) = try world(["--keep-history", "0s"])
            let b = try setup.agent("b")
            try b.wait()
            try replace(a)
            let copy = setup.directory + "/copy"
            try within(60, "the room is given back") {
                let result = try b.control("download", "kept2", "-o", copy)
                #expect(result.status == 0)
                try Shell.run("cmp '\(copy)' kept2", in: a.folder)
                return try setup.storedBytes() < 3_000_000
            }
            try setup.settle()
            #expect(try setup.differences() == "")
            b.stop()
            try check(setup, a)
        }

        @Test func `what is retained stays`() throws {
            let (setup, a) = try world(["--keep-history", "60s"])
            try replace(a)
            try a.wait()
            let before = try setup.storedBytes()
            // Several rounds look at it.
            try throughout(6) { try setup.storedBytes() >= before }
            try check(setup, a)
        }
    }
#endif
