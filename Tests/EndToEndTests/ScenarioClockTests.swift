// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Clocks that are wrong.
@Suite(.serialized, .busyLane) struct ScenarioClockTests {
    @Test func `S58 wrong and stepping clocks change no outcome`() throws {
        let year = 365 * 86_400
        let expected = try outcome([("a", [0, 0]), ("b", [0, 0])])
        #expect(expected["f"] == "first, by a\n" && expected["copies"] == "second, by b\n")
        #expect(expected["edited"] == "edited\n" && expected["gone"] == nil && expected["late"] == "late\n")
        #expect(try outcome([("a", [year, year]), ("b", [-year, -year])]) == expected)
        #expect(try outcome([("a", [-year, year]), ("b", [0, -year])]) == expected)
    }

    /// What becomes of one history, with clocks that are wrong by so many seconds, at first and later.
    private func outcome(_ offsets: [(name: String, seconds: [Int])]) throws -> [String: String] {
        let setup = try Setup()
        let library = try Interposed.wrongClock(in: setup.directory)
        func set(_ step: Int) throws {
            for (name, seconds) in offsets {
                try Data("\(seconds[step])\n".utf8).write(
                    to: URL(fileURLWithPath: setup.directory + "/offset-" + name), options: .atomic)
            }
        }
        func variables(_ name: String) -> [String: String] {
            ["LD_PRELOAD": library, "CLOCK_OFFSET": setup.directory + "/offset-" + name]
        }
        try set(0)
        let a = try setup.agent("a", variables: variables("a"))
        let b = try setup.agent("b", variables: variables("b"))
        try a.shell("echo base > f; echo base > edited; echo base > gone; echo base > touched")
        try setup.settle()
        b.stop()
        try a.shell("echo 'first, by a' > f; rm edited gone; touch -d 1970-01-01 touched")
        try a.wait()
        try b.shell("echo 'second, by b' > f; echo edited > edited; touch -d 2100-01-01 touched")
        try set(1)
        try b.start([], variables("b"))
        try setup.settle()
        try a.shell(
            "echo late > late; touch -d 2100-01-01 late; echo early > early; touch -d 1970-01-01 early")
        try setup.settle()
        #expect(try setup.differences() == "")
        let texts = try b.texts()
        let copies = try b.conflictCopies().compactMap { b.read($0) }
        var outcome = texts.filter { !$0.key.contains("(conflict ") }
        outcome["copies"] = copies.sorted().joined()
        outcome["times"] = try b.shell("stat -c '%n %Y' early late touched")
        return outcome
    }
}
