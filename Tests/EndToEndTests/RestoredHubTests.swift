// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite(.serialized, .busyLane) struct RestoredHubTests {
    /// What all devices do after the hub's backup was made, and what the hub forgets with it.
    private func forgetLatest(_ setup: Setup, _ a: Agent, _ b: Agent) throws {
        try a.shell(
            "mkdir d; for i in $(seq 9); do echo version 1 > f$i; done; echo g > d/g; echo h > d/h; ln -s d l"
        )
        try setup.settle()
        setup.stopHub()
        try Shell.run("cp -a hub backup", in: setup.directory)
        try setup.startHub()
        try a.shell(
            "echo version 2 > f1; echo new > added; rm f2; mv d renamed; mv f3 renamed/f3; chmod 600 f4")
        try setup.settle()
        try b.shell("echo version 2 > f5; rm -r renamed/h; mkdir made; mv f6 made/; ln -sfn f1 l")
        try setup.settle()
    }

    private func checkLatest(_ setup: Setup, _ agent: Agent) throws {
        #expect(try setup.differences() == "")
        #expect(try agent.conflictCopies() == [])
        #expect(agent.read("f1") == "version 2\n" && agent.read("f5") == "version 2\n")
        #expect(agent.read("added") == "new\n" && agent.read("renamed/g") == "g\n")
        #expect(agent.read("renamed/f3") == "version 1\n" && agent.read("made/f6") == "version 1\n")
        #expect(agent.read("f2") == nil && agent.read("renamed/h") == nil && agent.read("d/g") == nil)
        #expect(try agent.shell("stat -c %a f4; readlink l") == "600\nf1\n")
    }

    @Test(arguments: ["100M", "0"])
    func `S47 a hub restored from a backup is told again what it lost`(_ storeLimit: String) throws {
        let setup = try Setup(storeLimit: storeLimit)
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try forgetLatest(setup, a, b)
        setup.stopHub()
        try Shell.run("rm -rf hub; cp -a backup hub", in: setup.directory)
        try setup.startHub()
        try setup.settle()
        try checkLatest(setup, a)
        // Edits made in the meantime are edits.
        setup.stopHub()
        try a.shell("echo version 3 > f7")
        try b.shell("echo version 3 > f9; rm f8")
        try Shell.run("rm -rf hub; cp -a backup hub", in: setup.directory)
        try setup.startHub()
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
        #expect(b.read("f7") == "version 3\n" && a.read("f9") == "version 3\n" && a.read("f8") == nil)
        #expect(a.read("f1") == "version 2\n" && a.read("added") == "new\n" && a.read("f2") == nil)
    }

    @Test func `S47 a device that comes late to a restored hub loses nothing`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try forgetLatest(setup, a, b)
        b.stop()
        try a.shell("echo version 3 > f1")
        try a.wait()
        setup.stopHub()
        a.stop()
        try Shell.run("rm -rf hub; cp -a backup hub", in: setup.directory)
        try setup.startHub()
        // Who followed less goes first; with new edits of its own, that the other does not know.
        try b.shell("echo version 4 > f7")
        try b.start()
        try b.wait()
        try a.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        let copies = try a.conflictCopies()
        let texts = Set((copies + ["f1"]).compactMap { a.read($0) })
        #expect(texts.contains("version 3\n") && copies.count <= 1)
        #expect(
            a.read("f7") == "version 4\n" && a.read("f5") == "version 2\n" && a.read("renamed/g") == "g\n")
        #expect(a.read("f2") == nil)
    }
}
