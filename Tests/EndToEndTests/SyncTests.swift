// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite(.serialized, .busyLane) struct SyncTests {
    @Test func `every kind of change crosses both ways`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell(
            """
            echo hello > one; mkdir -p deep/er/est empty; echo x > deep/er/est/leaf
            ln -s ../nowhere link; chmod 640 one; touch -d '2001-02-03 04:05:06.123456789' deep/er/est/leaf
            printf 'odd' > $'new\\nline'; printf 'raw' > $'\\xff\\xfe'; : > nothing
            head -c 300000 /dev/urandom > big
            """)
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(b.read("one") == "hello\n")
        try b.shell(
            """
            echo more >> one; truncate -s 100000 big; mv deep/er moved; rm nothing; rmdir empty
            ln -sfn elsewhere link; chmod 600 one; echo new > one.tmp; mv one.tmp two; mkdir -p p/q; mv two p/q/
            """)
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.read("one") == "hello\nmore\n")
        #expect(a.read("moved/est/leaf") == "x\n")
        try a.shell("rm -rf moved p; mv one 'a name with spaces'")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
    }

    @Test func `S36 both folders may have files when they join`() throws {
        let setup = try Setup()
        for name in ["a", "b"] {
            try Shell.run(
                """
                mkdir -p folder-\(name)/same; cd folder-\(name)
                echo equal > same/file; touch -d 2020-01-01 same/file
                echo "from \(name)" > clash; echo \(name) > only-\(name)
                """, in: setup.directory)
        }
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.read("only-b") == "b\n" && b.read("only-a") == "a\n")
        let copies = try a.conflictCopies()
        #expect(copies.count == 1)
        let contents = Set([a.read("clash"), copies.first.flatMap { a.read($0) }])
        #expect(contents == ["from a\n", "from b\n"])
    }

    @Test func `edits made apart give one conflict copy and lose nothing`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.write("plan", "base\n")
        try setup.settle()
        b.stop()
        try a.write("plan", "by a\n")
        try b.write("plan", "by b, which is longer\n")
        try a.wait()
        try b.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        let copies = try a.conflictCopies()
        #expect(copies.count == 1)
        #expect(a.read("plan") == "by a\n")
        #expect(copies.first.flatMap { b.read($0) } == "by b, which is longer\n")
    }

    @Test func `an edit beats a removal and directories made by both merge`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("echo 1 > keep; mkdir d; echo 1 > d/x; echo 1 > gone")
        try setup.settle()
        b.stop()
        try a.shell("rm keep gone; mkdir both; echo a > both/a; rm -r d")
        try b.shell("echo 2 > keep; mkdir both; echo b > both/b; echo new > d/new")
        try a.wait()
        try b.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.read("keep") == "2\n" && a.read("d/new") == "new\n" && a.read("d/x") == nil)
        #expect(a.read("both/b") == "b\n" && b.read("both/a") == "a\n" && b.read("gone") == nil)
        #expect(try a.conflictCopies() == [])
    }

    @Test func `a file edited here and moved there is both`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("mkdir from to; echo 1 > from/f")
        try setup.settle()
        b.stop()
        try a.shell("mv from/f to/g")
        try b.shell("echo 2 > from/f")
        try a.wait()
        try b.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.read("to/g") == "2\n" && a.read("from/f") == nil)
    }

    @Test func `a device that was away for everything catches up, also after kill -9`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("mkdir t; for i in $(seq 200); do echo $i > t/$i; done")
        try setup.settle()
        b.stop(with: SIGKILL)
        try a.shell("mv t u; rm u/1; echo changed > u/2")
        try b.shell("echo b > t/from-b; rm t/3")
        try a.wait()
        setup.stopHub(with: SIGKILL)
        try setup.startHub()
        try b.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.read("u/from-b") == "b\n" && b.read("u/2") == "changed\n" && a.read("u/3") == nil)
        #expect(try a.conflictCopies() == [])
    }
}
