// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite(.serialized, .busyLane) struct BrakeTests {
    private func isHeld(_ agent: Agent) throws -> Bool {
        // `wait` ends with an error, and the reason is in the status.
        let isWaitedInVain = try agent.control("wait", "--timeout", "3").status != 0
        let status = try agent.control("status").output
        return isWaitedInVain && status.contains("halted")
    }

    @Test(arguments: [
        "touch .hidden; for i in $(seq 30); do echo $i > $i; done",
        "mkdir docs; for i in $(seq 30); do echo $i > docs/$i; done",
        "mkdir -p docs/a/b; for i in $(seq 30); do echo $i > docs/a/b/$i; done; echo 1 > .hidden",
    ])
    func `S32 a folder that lost nearly all is held, whatever survived, until answered`(_ content: String)
        throws
    {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell(content)
        try setup.settle()
        let before = try a.shell("find . -path ./.relay -prune -o -print | sort")
        try b.shell("rm -rf *")
        #expect(try isHeld(b))
        b.stop()
        try b.start()
        #expect(try isHeld(b))
        #expect(try a.shell("find . -path ./.relay -prune -o -print | sort") == before)
        #expect(try b.control("reject").status == 0)
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.shell("find . -path ./.relay -prune -o -print | sort") == before)
        #expect(try b.control("reject").status != 0)
        try b.shell("rm -rf *")
        #expect(try isHeld(b))
        #expect(try b.control("confirm").status == 0)
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.shell("ls") == "")
        // What was confirmed does not count any more.
        try a.shell("for i in $(seq 15); do echo $i > n$i; done")
        try setup.settle()
        try b.shell("rm n1 n2 n3")
        try setup.settle()
        #expect(a.read("n1") == nil && a.read("n4") == "4\n")
    }

    @Test func `S32 a removal of most of several directories is held`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("for d in $(seq 5); do mkdir d$d; for i in $(seq 120); do echo $i > d$d/$i; done; done")
        try setup.settle()
        try b.shell("rm -r d1 d2 d3 d4")
        #expect(try isHeld(b))
        #expect(try a.shell("find d1 d2 d3 d4 d5 -type f | wc -l") == "600\n")
        // What comes back, comes back by itself.
        try b.shell("cp -a ../folder-a/d[1-4] .")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
        // A fifth of the folder is no cause for alarm.
        try b.shell("rm -r d2")
        try setup.settle()
        #expect(a.read("d2/1") == nil && a.read("d3/1") == "1\n")
    }

    @Test(arguments: ["confirm", "reject"])
    func `S33 a folder restored from a backup reverts and removes nothing elsewhere`(_ answer: String) throws
    {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("for i in $(seq 20); do echo version 1 of $i > f$i; done")
        try setup.settle()
        try Shell.run("mkdir backup; cp -a folder-b/f* backup/", in: setup.directory)
        try a.shell("for i in $(seq 20); do echo the second version of $i > f$i; done; echo n > new")
        try setup.settle()
        b.stop()
        try b.shell("rm f* new; cp -a ../backup/f* .")
        try b.start()
        #expect(try isHeld(b))
        #expect(try b.control("status").output.contains("older"))
        #expect(a.read("f1") == "the second version of 1\n" && a.read("new") == "n\n")
        b.stop()
        try b.start()
        #expect(try isHeld(b))
        #expect(a.read("f1") == "the second version of 1\n" && a.read("new") == "n\n")
        #expect(try b.control(answer).status == 0)
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
        if answer == "reject" {
            #expect(b.read("f7") == "the second version of 7\n" && b.read("new") == "n\n")
        } else {
            #expect(a.read("f7") == "version 1 of 7\n" && a.read("new") == nil)
        }
    }
}
