// SPDX-License-Identifier: Apache-2.0

#if DEBUG
    import Foundation
    import Testing

    /// What comes from others meets what a person does at the same instant.
    @Suite(.serialized, .busyLane) struct ScenarioRaceTests {
        @Test(arguments: ["stage-synced", "park-recorded", "newcomer-parked"])
        func `S01 an edit at the instant of a replacement stands beside it`(_ instant: String) throws {
            let (setup, a, b) = try Setup.pair()
            try a.write("f", "base")
            try setup.settle()
            b.stop()
            try a.write("f", "remote")
            try a.wait()
            try b.launch(stoppingAt: instant)
            try b.shell("echo local > ../saved; mv ../saved f")
            try b.resume()
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(try a.conflictCopies().count == 1)
            #expect(try a.texts().values.sorted() == ["local\n", "remote"])
        }

        @Test func `S02 what is still written into a replaced file is in a conflict copy`() throws {
            let (setup, a, b) = try Setup.pair()
            try a.write("f", "base ")
            try setup.settle()
            let writer = try FileHandle(forUpdating: URL(fileURLWithPath: b.folder + "/f"))
            try writer.seekToEnd()
            try a.write("f", "remote")
            try within(10) { b.read("f") == "remote" }
            try writer.write(contentsOf: Data("LATE".utf8))
            try writer.close()
            try within(5) { try b.conflictCopies().contains { b.read($0) == "base LATE" } }
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(try a.conflictCopies().count == 1)
            #expect(a.read("f") == "remote")
        }

        /// Before the removal begins, and between its looking and its end.
        @Test(arguments: ["turn-committed:2", "turn-committed:4", "removal-parked"])
        func `S04 an edit at the instant of a removal survives it`(_ instant: String) throws {
            let (setup, a, b) = try Setup.pair()
            try a.shell("echo base > f; echo other > other")
            try setup.settle()
            b.stop()
            try a.shell("rm f")
            try a.wait()
            try b.launch(stoppingAt: instant)
            try b.shell("echo local > ../saved; mv ../saved f")
            try b.resume()
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(a.read("f") == "local\n")
            #expect(try a.conflictCopies() == [])
        }

        @Test func `S04 what is written into a file that is being removed survives it`() throws {
            let (setup, a, b) = try Setup.pair()
            try a.shell("echo base > f; echo other > other")
            try setup.settle()
            let writer = try FileHandle(forUpdating: URL(fileURLWithPath: b.folder + "/f"))
            try writer.seekToEnd()
            b.stop()
            try a.shell("rm f")
            try a.wait()
            try b.launch(stoppingAt: "removal-parked")
            try writer.write(contentsOf: Data("LATE".utf8))
            try writer.close()
            try b.resume()
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(try a.texts().values.sorted() == ["base\nLATE", "other\n"])
        }

        @Test func `S05 what is made in a directory that is being removed survives it`() throws {
            let (setup, a, b) = try Setup.pair()
            try a.shell("mkdir -p d/e; for i in 1 2 3; do echo $i > d/$i; echo $i > d/e/$i; done")
            try setup.settle()
            b.stop()
            try a.shell("rm -r d")
            try a.wait()
            try b.launch(stoppingAt: "removal-parked")
            try b.shell("echo new > d/new; mkdir d/e/made; echo deep > d/e/made/deep")
            try b.resume()
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(try a.texts() == ["d/new": "new\n", "d/e/made/deep": "deep\n"])
        }

        @Test func `S05 what is made while a directory goes is lost by nobody`() throws {
            let (setup, a, b) = try Setup.pair()
            try a.shell(
                "mkdir d; for i in $(seq 100); do echo $i > d/old$i; done; for i in $(seq 200); do echo $i > keep$i; done"
            )
            try setup.settle()
            // What reached the one who removes is his to remove: none of it is newer than his removal.
            for agent in [a, b] { agent.run?.signal(SIGSTOP) }
            try a.shell("rm -r d")
            try b.shell("for i in $(seq 20); do echo $i > d/new$i; done")
            a.run?.signal(SIGCONT)
            try b.shell("for i in $(seq 21 40); do mkdir -p d; echo $i > d/new$i; done")
            b.run?.signal(SIGCONT)
            for i in 41...60 {
                try b.shell("until { mkdir -p d && echo \(i) > d/new\(i); } 2> /dev/null; do :; done")
            }
            try setup.settle()
            #expect(try setup.differences() == "")
            let expected = (1...60).map { "d/new\($0)" } + (1...200).map { "keep\($0)" }
            #expect(try Set(a.texts().keys) == Set(expected))
        }

        @Test func `S06 a name that both make at once is shared if equal, and doubled if not`() throws {
            let (setup, a, b) = try Setup.pair()
            try setup.settle()
            for agent in [a, b] { agent.run?.signal(SIGSTOP) }
            try a.shell("echo equal > same; echo 'by a' > clash")
            try b.shell("echo equal > same; echo 'by b' > clash")
            for agent in [a, b] { agent.run?.signal(SIGCONT) }
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(try a.texts().values.sorted() == ["by a\n", "by b\n", "equal\n"])
            #expect(try a.conflictCopies().count == 1)
        }

        @Test func `S06 of a name that is made and removed again and again the last state stands`() throws {
            let (setup, a, b) = try Setup.pair()
            try a.shell("for i in $(seq 20); do echo $i > f; sleep 0.05; rm f; done; echo last > f")
            try setup.settle()
            #expect(b.read("f") == "last\n")
            try b.shell("rm f; for i in $(seq 20); do echo $i > f; sleep 0.05; rm f; done")
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(try a.texts() == [:])
        }

        @Test func `S07 a file that was edited here and became a directory there is both`() throws {
            let (setup, a, b) = try Setup.pair()
            try a.shell("echo base > k")
            try setup.settle()
            b.stop()
            try a.shell("rm k; mkdir k; echo in > k/in")
            try a.wait()
            try b.shell("echo edit > k")
            try b.start()
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(a.read("k/in") == "in\n")
            #expect(try a.texts().values.sorted() == ["edit\n", "in\n"])
        }

        @Test func `S08 a directory that got a child here and became a file there is both`() throws {
            let (setup, a, b) = try Setup.pair()
            try a.shell("mkdir k; echo old > k/old")
            try setup.settle()
            b.stop()
            try a.shell("rm -r k; echo file > k")
            try a.wait()
            try b.shell("echo child > k/child")
            try b.start()
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(a.read("k") == "file\n")
            #expect(try a.texts().values.sorted() == ["child\n", "file\n"])
        }

        @Test func `S10 what was renamed there to a name that was edited here is both`() throws {
            let (setup, a, b) = try Setup.pair()
            try a.shell("echo x > x; echo y > y")
            try setup.settle()
            b.stop()
            try a.shell("mv x y")
            try a.wait()
            try b.shell("echo edit > y")
            try b.start()
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(try a.texts().values.sorted() == ["edit\n", "x\n"])
            #expect(!a.has("x"))
        }
    }
#endif
