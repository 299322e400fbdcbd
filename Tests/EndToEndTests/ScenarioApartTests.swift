// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Devices that were apart meet again.
@Suite(.serialized, .busyLane) struct ScenarioApartTests {
    @Test(arguments: [false, true])
    func `S56 what both did to one subtree while offline is merged in either order`(isReversed: Bool) throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell(
            """
            mkdir -p t/u/v; for i in 1 2 3 4 5 6; do echo $i > t/$i; echo u$i > t/u/$i; done
            """)
        try setup.settle()
        a.stop()
        b.stop()
        try a.shell(
            """
            cd t; echo A1 > 1; rm 2; mv 3 u/moved; mv u/v w; mkdir x; echo ax > x/f; mv 6 six; rm -r u/4
            echo Aboth > both; rm -f u/5; echo deep > w/deep
            """)
        try b.shell(
            """
            cd t; echo B1 > 1; echo B2 > 2; echo B3 > 3; mv u uu; echo B6 > 6; mkdir x; echo bx > x/f
            echo by > x/g; echo Bboth > both; echo B5 > uu/5
            """)
        for agent in isReversed ? [b, a] : [a, b] {
            try agent.start()
            try agent.wait()
        }
        try setup.settle()
        #expect(try setup.differences() == "")
        let expected = [
            "A1", "Aboth", "B1", "B2", "B3", "B5", "B6", "Bboth", "ax", "bx", "by", "deep", "4", "5", "u1",
            "u2",
            "u3", "u6",
        ]
        let texts = try a.texts()
        #expect(texts.values.sorted() == expected.map { $0 + "\n" }.sorted())
        // Of three names both have a content of their own.
        #expect(try a.conflictCopies().count == 3)
        // What only one of them did holds for both.
        #expect(texts["t/uu/moved"] == "B3\n" && texts["t/six"] == "B6\n" && texts["t/x/g"] == "by\n")
        #expect(texts["t/2"] == "B2\n" && texts["t/uu/5"] == "B5\n" && texts["t/uu/4"] == nil)
        #expect(texts["t/w/deep"] == "deep\n")
    }

    @Test func `S57 one who was away for long brings nothing back, and keeps what he edited`() throws {
        let (setup, a, c) = try Setup.pair()
        try a.shell(
            "mkdir d; echo 1 > d/untouched; echo 1 > d/edited; echo 1 > keep; mkdir -p gone/deep; echo 1 > gone/deep/f"
        )
        try setup.settle()
        c.stop()
        try a.shell("rm -r d gone; for i in $(seq 300); do echo $i > churn; rm churn; done")
        try a.wait()
        setup.stopHub()
        try setup.startHub()
        try c.shell("echo edited > d/edited")
        try c.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try a.texts() == ["d/edited": "edited\n", "keep": "1\n"])
        #expect(!a.has("gone"))
    }

    @Test func `S70 of a hundred edits by each of three the last ones stay, each once`() throws {
        let (setup, a, b) = try Setup.pair()
        let c = try setup.agent("c")
        try a.write("f", "base")
        try setup.settle()
        for round in 1...2 {
            for agent in [a, b, c] {
                agent.stop()
                try agent.shell("for i in $(seq 100); do echo \(agent.name)\(round)-$i > f; done")
            }
            for agent in [a, b, c] { try agent.start() }
            try setup.settle()
            try setup.settle()
            #expect(try setup.differences() == "")
            let heads = Set(["a", "b", "c"].map { "\($0)\(round)-100\n" })
            #expect(try heads.isSubset(of: a.texts().values))
            // Two of three are copies, in each round.
            let copies = try a.conflictCopies()
            #expect(copies.count == 2 * round)
            #expect(copies.allSatisfy { $0.components(separatedBy: "(conflict ").count == 2 })
        }
    }
}
