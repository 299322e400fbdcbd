// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The index of a share is gone: the way back.
@Suite(.serialized, .busyLane) struct RebuiltIndexTests {
    private func rebuild(_ setup: Setup, _ options: String...) throws -> ProgramResult {
        try ProgramRun(
            "relay-server", ["rebuild", "shared", "--data", setup.hubData] + options, in: setup.directory
        ).waitForEnd()
    }

    @Test(arguments: ["truncate", "remove", "wal", "garbage"])
    func `S49 an index that is damaged or gone is made anew, and nobody loses anything`(
        _ how: String
    ) throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell(
            """
            mkdir -p d/e gone; head -c 3000000 /dev/urandom > big
            for i in $(seq 40); do echo $i > d/e/f$i; done
            ln -s big link; chmod 640 d/e/f1; echo old > changed; echo x > gone/x
            """)
        try setup.settle()
        try b.shell("mv d moved; echo new > changed; rm -r gone; mkdir empty; cp big moved/again")
        try setup.settle()
        try within(10, "all is stored") { try setup.storedBytes() >= 3_000_000 }
        setup.stopHub(with: how == "wal" ? SIGKILL : SIGTERM)
        let stored = try setup.storedBytes()
        let share = try setup.shareDirectory()
        let damage =
            switch how {
            case "truncate": "truncate -s 9000 index.sqlite; rm -f index.sqlite-wal"
            case "remove": "rm index.sqlite*"
            case "wal": "rm index.sqlite-wal"
            default: "head -c 200000 /dev/urandom > index.sqlite; rm -f index.sqlite-wal"
            }
        try Shell.run(damage, in: share)
        try setup.startHub()
        try within(20, "the agent says why, and what helps") {
            try a.control("status").output.contains("relay-server rebuild")
        }
        // Not while a hub runs on it.
        #expect(try rebuild(setup).status == 6)
        setup.stopHub()
        let before = try setup.output("cd '\(share)'; (cat index.sqlite 2>/dev/null || true) | sha256sum")
        let result = try rebuild(setup)
        #expect(result.status == 0 && result.output.contains("start the hub"), "\(result.errors)")
        if how != "remove" {
            #expect(try setup.output("sha256sum < '\(share)/index.sqlite.aside-1'") == before)
        }
        try setup.startHub()
        try setup.settle()
        #expect(try setup.differences() == "")
        for agent in [a, b] {
            #expect(try agent.conflictCopies() == [])
            #expect(agent.read("changed") == "new\n" && agent.read("moved/e/f40") == "40\n")
            #expect(!agent.has("gone") && !agent.has("d") && agent.has("empty"))
        }
        // What is in the segments is known again, and was not sent again.
        #expect(try setup.storedBytes() == stored)
        // All goes on as ever, also for who comes now, with nobody else online.
        try a.shell("rm moved/e/f2; echo later > later")
        try setup.settle()
        #expect(b.read("later") == "later\n" && !b.has("moved/e/f2"))
        a.stop()
        b.stop()
        let c = try setup.agent("c")
        try c.wait()
        #expect(try Tree.listing(c.folder) == Tree.listing(a.folder))
        c.stop()
        // One that can be used is left alone.
        setup.stopHub()
        #expect(try rebuild(setup).status == 6)
        let forced = try rebuild(setup, "--force")
        #expect(forced.status == 0 && forced.output.contains("index.sqlite.aside-"))
        try setup.startHub()
        try b.start()
        try b.wait()
        try a.start()
        try a.wait()
        #expect(try Tree.listing(a.folder) == Tree.listing(c.folder))
    }

    @Test func `a share that there is not cannot be rebuilt`() throws {
        let setup = try Setup()
        setup.stopHub()
        let result = try ProgramRun(
            "relay-server", ["rebuild", "other", "--data", setup.hubData], in: setup.directory
        ).waitForEnd()
        #expect(result.status == 5 && result.errors.contains("shared"))
        let nowhere = try ProgramRun(
            "relay-server", ["rebuild", "shared", "--data", setup.directory + "/nowhere"], in: setup.directory
        ).waitForEnd()
        #expect(nowhere.status == 1 && nowhere.errors.contains("no hub"))
        #expect(!FileManager.default.fileExists(atPath: setup.directory + "/nowhere"))
    }
}
