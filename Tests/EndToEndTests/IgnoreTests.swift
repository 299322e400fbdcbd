// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import Testing

/// What a `.relayignore` leaves out of a share is neither shared nor lost.
@Suite(.serialized, .busyLane) struct IgnoreTests {
    @Test func `S37 a new rule deletes nothing, and what is not synced stays`() throws {
        let (setup, a, b) = try Setup.pair()
        defer { withExtendedLifetime(setup) {} }
        try a.shell("mkdir build; echo 1 > build/out; echo 2 > build/two; echo keep > keep; echo log > x.log")
        try setup.settle()
        b.stop()
        try a.write(".relayignore", "# what is made anew\nbuild/\n*.log\n")
        try a.wait()
        // What changes while the other machine does not know the rules yet is left out all the same.
        try b.shell("echo mine > build/out; echo new > build/new; rm build/two x.log; echo b > b.log")
        try b.start()
        try setup.settle()
        #expect(b.read(".relayignore") == a.read(".relayignore"))
        #expect(try a.shell("cat build/out build/two x.log; ls") == "1\n2\nlog\nbuild\nkeep\nx.log\n")
        #expect(try b.shell("cat build/out build/new; ls build") == "mine\nnew\nnew\nout\n")
        #expect(try b.shell("ls") == "b.log\nbuild\nkeep\n")
        for agent in [a, b] {
            let (status, report) = try agent.verify()
            #expect(status == 0 && report.differences.isEmpty)
        }
        // The share keeps what it has, and so does who looks.
        let list = try b.control("list", "--json")
        let entries = try JSONDecoder().decode([EntryReport].self, from: Data(list.output.utf8))
        #expect(
            entries.filter { $0.state == .ignored }.map(\.path) == [
                "build", "build/out", "build/two", "x.log",
            ])
        // Without the rules both sides are merged as at a first join.
        try a.shell("rm .relayignore")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(b.read("build/out") == "1\n" && b.read("build/two") == "2\n" && b.read("x.log") == "log\n")
        #expect(a.read("build/new") == "new\n" && a.read("b.log") == "b\n")
        let copies = try a.conflictCopies()
        #expect(copies.count == 1)
        #expect(try copies.map { try a.shell("cat '\($0)'") } == ["mine\n"])
    }

    @Test func `S69 a directory that is removed elsewhere stays for what is left out of it`() throws {
        let (setup, a, b) = try Setup.pair()
        defer { withExtendedLifetime(setup) {} }
        try a.shell("mkdir d e; echo 1 > d/one; echo keep > keep; echo '*.o' > .relayignore")
        try setup.settle()
        try b.shell("echo o > d/x.o; mkdir d/deep; echo o > d/deep/y.o; echo o > e/z.o")
        try setup.settle()
        try a.shell("rm -r d e")
        let problem = try b.waitForCause(.obstructed, of: "d")
        #expect(problem.reason.contains("x.o") || problem.reason.contains("leaves out"))
        try b.waitForCause(.obstructed, of: "e")
        #expect(try b.shell("cat d/x.o d/deep/y.o e/z.o; ls d") == "o\no\no\ndeep\nx.o\n")
        #expect(!a.has("d") && !a.has("e"))
        // What is made anew under the name becomes the directory that stayed.
        try a.shell("mkdir e; echo 2 > e/two")
        try b.waitForReport("the new directory is there") { _ in b.read("e/two") == "2\n" }
        #expect(b.read("e/z.o") == "o\n")
        // The agent may be first to remove what is empty.
        try b.shell("rm -rf d/x.o d/deep")
        try setup.settle()
        #expect(!b.has("d"))
        try b.shell("rm e/z.o")
        #expect(try setup.differences() == "")
    }

    @Test func `a rename to a name that is left out is a removal, and one from it something new`() throws {
        let (setup, a, b) = try Setup.pair()
        defer { withExtendedLifetime(setup) {} }
        try a.shell("echo '*.tmp' > .relayignore; echo 1 > one; echo 2 > two.tmp; echo keep > keep")
        try setup.settle()
        try a.shell("mv one one.tmp; mv two.tmp two")
        try setup.settle()
        #expect(try a.shell("ls") == "keep\none.tmp\ntwo\n")
        #expect(try b.shell("ls") == "keep\ntwo\n")
    }

    @Test func `rules that cannot be used leave those before in force, and say why`() throws {
        let (setup, a, b) = try Setup.pair()
        defer { withExtendedLifetime(setup) {} }
        try a.shell("echo '*.o' > .relayignore; echo 1 > one.o; echo keep > keep")
        try setup.settle()
        try a.shell("head -c 1100000 /dev/zero | tr '\\0' a > .relayignore")
        let problem = try a.waitForCause(.limit, of: ".relayignore")
        #expect(problem.reason.contains("stay in force"))
        try b.waitForCause(.limit, of: ".relayignore")
        #expect(!b.has("one.o"))
        try a.shell("echo '*.p' > .relayignore")
        try setup.settle()
        #expect(b.read("one.o") == "1\n")
        #expect(try setup.differences() == "")
    }

    @Test func `patterns are listed, added and explained, and what they leave out can be deleted`() throws {
        let (setup, a, b) = try Setup.pair()
        defer { withExtendedLifetime(setup) {} }
        try a.shell("printf '*.o' > .relayignore; mkdir build; echo 2 > build/two; echo keep > keep")
        try setup.settle()
        #expect(try a.control("ignore", "build/", "x y").status == 0)
        #expect(a.read(".relayignore") == "*.o\nbuild/\nx y\n")
        try setup.settle()
        #expect(try b.control("ignore").output == "*.o\nbuild/\nx y\n")
        #expect(try b.control("ignore", "--check", "build/two").output == ".relayignore:2: build/\n")
        #expect(try b.control("ignore", "--check", "build/").status == 0)
        for path in ["build", "keep"] { #expect(try b.control("ignore", "--check", path).status == 5) }
        #expect(try b.control("download", "build/two").status == 6)
        #expect(try a.control("delete", "build/two").status == 0)
        try within(20, "it is gone from the share") { try !a.control("list").output.contains("two") }
        #expect(!a.has("build/two") && b.read("build/two") == "2\n")
        try setup.settle()
        #expect(b.read("build/two") == "2\n")
    }
}
