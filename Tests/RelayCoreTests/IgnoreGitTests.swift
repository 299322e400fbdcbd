// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelaySimulation
import Testing

@testable import RelayCore

/// Random patterns over random trees leave out what git leaves out, by the same line.
@Suite struct IgnoreGitTests {
    private static let names = ["a", "b", "ab", "ba", "aab", "a.o", "b.o", "-", "a b", "A", "é"]
    private static let pieces = [
        "a", "b", "ab", ".o", "*", "?", "[ab]", "[!a]", "[^b]", "[a-b]", "[[:alpha:]]", "[[:punct:]b]",
        "**/", "/**/", "/**", "/", "**", "\\a", "\\*", "*.o", "-", "[]a]", "[a", " ", "\\ ", "é", "[^-]",
    ]
    private static let directories = 150

    @Test func `rules leave out what git leaves out`() throws {
        var random = SeededRandom(seed: 42)
        let top = try FileManager.default.url(
            for: .itemReplacementDirectory, in: .userDomainMask,
            appropriateFor: FileManager.default.temporaryDirectory, create: true)
        defer { try? FileManager.default.removeItem(at: top) }
        _ = try Self.git(["init", "-q"], in: top, input: Data())
        var questions: [(directory: Int, path: String, isDirectory: Bool)] = []
        var rules: [String] = []
        for index in 0..<Self.directories {
            let text = Self.makeRules(&random)
            rules.append(text)
            let base = top.appending(path: "\(index)")
            for (path, isDirectory) in try Self.makeTree(base, &random) {
                questions.append((index, path, isDirectory))
            }
            try Data(text.utf8).write(to: base.appending(path: ".gitignore"))
        }
        let input = questions.map { "\($0.directory)/\($0.path)\0" }.joined()
        let answers = try Self.git(
            ["check-ignore", "--no-index", "--stdin", "-z", "-v", "-n"], in: top, input: Data(input.utf8))
        let fields = answers.split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        try #require(fields.count == questions.count * 4 + 1)
        var ignored = 0
        for (index, question) in questions.enumerated() {
            let (line, pattern) = (Int(fields[index * 4 + 1]), fields[index * 4 + 2])
            let expected = pattern.hasPrefix("!") ? nil : line
            let own = try IgnoreRules(Array(rules[question.directory].utf8))
            let path = try #require(RelativePath(bytes: Array(question.path.utf8)))
            let found = own.match(path, isDirectory: question.isDirectory)?.line
            let text = rules[question.directory].debugDescription
            #expect(found == expected, "\(question.path) by \(text), git says \(pattern)")
            if expected != nil { ignored += 1 }
        }
        #expect(ignored * 10 > questions.count && ignored * 10 < questions.count * 9)
    }

    private static func makeRules(_ random: inout SeededRandom) -> String {
        let lines = (0...Int.random(in: 0..<3, using: &random)).map { _ in
            let start = chance(200, &random) ? "!" : chance(100, &random) ? "\\" : ""
            let inner = (0...Int.random(in: 0..<5, using: &random)).compactMap { _ in
                pieces.randomElement(using: &random)
            }.joined()
            return start + inner + (chance(200, &random) ? "/" : "") + (chance(50, &random) ? "\r" : "")
        }
        return lines.joined(separator: "\n") + (chance(500, &random) ? "\n" : "")
    }

    private static func chance(_ perMille: Int, _ random: inout SeededRandom) -> Bool {
        Int.random(in: 0..<1000, using: &random) < perMille
    }

    private static func makeTree(
        _ base: URL, _ random: inout SeededRandom
    ) throws -> [(path: String, isDirectory: Bool)] {
        try FileManager.default.createDirectory(at: base, withIntermediateDirectories: true)
        var found: [String: Bool] = [:]
        for _ in 0..<25 {
            let parts = (0...Int.random(in: 0..<4, using: &random)).compactMap { _ in
                names.randomElement(using: &random)
            }
            let prefixes = parts.indices.map { parts[...$0].joined(separator: "/") }
            guard !prefixes.contains(where: { found[$0] == false }), let path = prefixes.last,
                found[path] == nil
            else { continue }
            for prefix in prefixes { found[prefix] = true }
            let url = base.appending(path: path)
            if chance(300, &random) {
                try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            } else {
                found[path] = false
                let parent = url.deletingLastPathComponent()
                try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
                try Data().write(to: url)
            }
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// What git writes to its standard output.
    private static func git(_ arguments: [String], in directory: URL, input: Data) throws -> Data {
        let source = directory.appending(path: "input")
        try input.write(to: source)
        let (inputFile, output) = (try FileHandle(forReadingFrom: source), Pipe())
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["git", "-c", "core.excludesFile=/dev/null"] + arguments
        process.currentDirectoryURL = directory
        process.environment = ProcessInfo.processInfo.environment.merging([
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "LC_ALL": "C.UTF-8",
        ]) { $1 }
        process.standardInput = inputFile
        process.standardOutput = output
        try process.run()
        let answer = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return answer
    }
}
