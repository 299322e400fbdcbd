// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RelayCore

/// What one pattern, or a few, leave out.
@Suite struct IgnoreRulesTests {
    struct Case: Sendable, CustomStringConvertible {
        var rules: String
        /// Those that end with a slash are directories.
        var ignored: [String]
        var kept: [String]
        var description: String { "\(rules.debugDescription)" }
    }

    private static let cases = [
        Case(rules: "a", ignored: ["a", "a/", "b/a", "b/a/c"], kept: ["b", "ab", "b/ab"]),
        Case(rules: "/a", ignored: ["a", "a/b"], kept: ["b/a"]),
        Case(rules: "a/", ignored: ["a/", "b/a/", "a/b"], kept: ["a", "b/a"]),
        Case(rules: "a/b", ignored: ["a/b", "a/b/c"], kept: ["b", "c/a/b"]),
        Case(rules: "*.o", ignored: ["x.o", ".o", "b/x.o"], kept: ["x.op", "o"]),
        Case(rules: "/*.o", ignored: ["x.o"], kept: ["b/x.o"]),
        Case(rules: "a?c", ignored: ["abc", "a\u{1}c"], kept: ["ac", "abbc"]),
        Case(rules: "a*c", ignored: ["ac", "abbc", "d/abc"], kept: ["a/c", "acd"]),
        Case(rules: "/a*/c", ignored: ["a/c", "ab/c"], kept: ["a/b/c", "c"]),
        Case(rules: "[a-c]x[!0-9]", ignored: ["axa", "cx-"], kept: ["dxa", "ax1", "ax"]),
        Case(rules: "[]-]x", ignored: ["]x", "-x"], kept: ["ax"]),
        Case(rules: "[[:digit:]_]x", ignored: ["7x", "_x"], kept: ["ax", ":x"]),
        Case(rules: "[a", ignored: [], kept: ["[a", "a"]),
        Case(rules: "[[:none:]]", ignored: [], kept: ["n", ":"]),
        Case(rules: "**/a", ignored: ["a", "b/a", "b/c/a"], kept: ["ba", "b/ba"]),
        Case(rules: "a/**", ignored: ["a/b", "a/b/c"], kept: ["a/", "b/a/c"]),
        Case(rules: "a/**/b", ignored: ["a/b", "a/x/b", "a/x/y/b"], kept: ["a/xb", "x/a/b"]),
        Case(rules: "a**b/c", ignored: ["ab/c", "axb/c"], kept: ["a/b/c", "a/x/b/c"]),
        Case(rules: "# a\n\\#b\n\\!c", ignored: ["#b", "!c"], kept: ["a", " a", "# a", "c"]),
        Case(rules: "a  \nb\\ \n c", ignored: ["a", "b ", " c"], kept: ["a  ", "b", "c"]),
        Case(rules: "a\r\nb\r", ignored: ["a", "b"], kept: ["a\r"]),
        Case(rules: "\u{feff}a", ignored: ["a"], kept: ["\u{feff}a"]),
        Case(rules: "*\n!keep", ignored: ["a", "b/"], kept: ["keep"]),
        Case(rules: "b/\n!b/keep", ignored: ["b/keep"], kept: ["keep"]),
        Case(rules: "b/*\n!b/keep", ignored: ["b/x"], kept: ["b/", "b/keep"]),
        Case(rules: "!a\na", ignored: ["a"], kept: []),
        Case(rules: "a\n!a\n", ignored: [], kept: ["a"]),
        Case(rules: "\\a\\*", ignored: ["a*"], kept: ["ab"]),
        Case(rules: "a\\", ignored: [], kept: ["a", "a\\"]),
        Case(rules: "/\n!\n\n \n//", ignored: [], kept: ["a", "a/"]),
        Case(
            rules: "*\n.*\n.relayignore\n.relay/", ignored: ["a", "b/.relayignore", "b/.relay/"],
            kept: [".relayignore", ".relay/", ".relay"]),
    ]

    @Test(arguments: cases)
    func `rules leave out what they match, and nothing else`(_ row: Case) throws {
        let rules = try IgnoreRules(Array(row.rules.utf8))
        for text in row.ignored { #expect(ignores(rules, text), "\(text) is ignored") }
        for text in row.kept { #expect(!ignores(rules, text), "\(text) is kept") }
    }

    private func ignores(_ rules: IgnoreRules, _ text: String) -> Bool {
        let names = text.utf8.split(separator: 0x2f).compactMap { EntryName(Array($0)) }
        return rules.ignore(RelativePath(names), isDirectory: text.hasSuffix("/"))
    }

    @Test func `names are bytes`() throws {
        let rules = try IgnoreRules([0x5b, 0xf0, 0x2d, 0xff, 0x5d, 0x0a, 0xc3, 0xa9])
        for (bytes, isIgnored) in [
            ([0xfe], true), ([0xc3, 0xa9], true), ([0x65, 0xcc, 0x81], false), ([0xc3], false),
        ] as [([UInt8], Bool)] {
            let name = try #require(EntryName(bytes))
            #expect(rules.ignore(RelativePath([name]), isDirectory: false) == isIgnored)
        }
    }

    @Test func `the pattern that decides is told with its line`() throws {
        let rules = try IgnoreRules(Array("# nothing\n\n*.o\nbuild/  \n".utf8))
        let path = RelativePath(["build", "x", "y.o"].map(Fixture.name))
        #expect(rules.match(path, isDirectory: false) == .init(line: 4, text: Array("build/".utf8)))
    }

    @Test func `rules that are too large are refused`() throws {
        let large = [UInt8](repeating: 0x61, count: IgnoreRules.limitBytes)
        #expect(throws: IgnoreRules.Refusal.tooLarge) { _ = try IgnoreRules(large + [0x61]) }
        #expect(try !IgnoreRules(large).isEmpty)
        let many = Array(String(repeating: "a\n", count: IgnoreRules.limitPatterns).utf8)
        #expect(try !IgnoreRules(many).isEmpty)
        #expect(throws: IgnoreRules.Refusal.tooManyPatterns) { _ = try IgnoreRules(many + [0x61]) }
    }

    /// A matcher that goes back to every star would take longer than the universe has.
    @Test(arguments: [
        String(repeating: "*a", count: 100) + "b", "/" + String(repeating: "**/*a*", count: 100) + "b",
        String(repeating: "**/", count: 1000) + "b", String(repeating: "a*", count: 120) + "/**/b",
    ])
    func `no pattern takes long`(_ pattern: String) throws {
        let rules = try IgnoreRules(Array(pattern.utf8))
        let name = Fixture.name(String(repeating: "a", count: 255))
        let path = RelativePath([EntryName](repeating: name, count: 40))
        let begin = ContinuousClock.now
        #expect(!rules.ignore(path, isDirectory: false))
        #expect(ContinuousClock.now - begin < .seconds(10))
    }
}
