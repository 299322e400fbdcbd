// SPDX-License-Identifier: Apache-2.0

import Testing

/// What each file keeps to.
@Suite struct FileTests {
    private static let limitFileLines = 500
    private static let limitFunctionLines = 70
    private static let limitColumns = 110

    private func expectNone(_ broken: [String]) {
        #expect(broken.isEmpty, "\(broken.joined(separator: "\n"))")
    }

    private func lines(
        of files: [SourceFile] = SourceTree.all, where isBroken: (SourceFile, String) -> String?
    ) -> [String] {
        files.filter { !$0.isGenerated }.flatMap { file in
            file.lines.enumerated().compactMap { index, line in
                isBroken(file, line).map { file.place(index, $0) }
            }
        }
    }

    @Test func `each file begins with its licence`() {
        expectNone(
            SourceTree.all.filter { !$0.isGenerated }.compactMap { file in
                let isDual =
                    file.path.hasPrefix("Sources/") && ["RelayCore", "WatchProgram"].contains(file.room)
                let licence = isDual ? "Apache-2.0 OR GPL-2.0-only" : "Apache-2.0"
                let wanted = "// SPDX-License-Identifier: \(licence)"
                return file.lines.first == wanted ? nil : file.place(0, "expected \(wanted)")
            })
    }

    @Test func `no file is too long`() {
        expectNone(
            SourceTree.all.filter { !$0.isGenerated && $0.lines.count > Self.limitFileLines + 1 }
                .map { $0.place(Self.limitFileLines, "the file has \($0.lines.count - 1) lines") })
    }

    @Test func `no line is too long`() {
        var broken: [String] = []
        for file in SourceTree.all where !file.isGenerated {
            var isInLiteral = false
            for (index, line) in file.lines.enumerated() {
                if line.contains("\"\"\"") { isInLiteral.toggle() }
                // In tests, what the formatter cannot break may stand out: literals, and names that are
                // sentences.
                let isUnbreakable = isInLiteral || line.contains("\"") || line.contains("func `")
                if line.count <= Self.limitColumns || (file.path.hasPrefix("Tests/") && isUnbreakable) {
                    continue
                }
                broken.append(file.place(index, "\(line.count) columns"))
            }
        }
        expectNone(broken)
    }

    @Test func `no function is too long`() {
        var broken: [String] = []
        for file in SourceTree.all where !file.isGenerated {
            for (index, length) in functionLengths(file.lines) where length > Self.limitFunctionLines {
                broken.append(file.place(index, "the function has \(length) lines"))
            }
        }
        expectNone(broken)
    }

    @Test func `nothing can end the program or is left to be done`() {
        // Written apart, so that this file does not break the rule.
        let banned = ["try" + "!", "fatal" + "Error(", "TO" + "DO", "FIX" + "ME"]
        expectNone(
            lines { _, line in
                banned.first { line.contains($0) }.map { "\($0) is not used here" }
            })
    }

    @Test func `paths of the shared folder stay bytes`() {
        let allowed: Set<String> = ["RelayControl", "ControlProgram", "AgentProgram", "ServerProgram"]
        expectNone(
            lines(of: SourceTree.sources) { file, line in
                !allowed.contains(file.room) && line.contains("FileManager")
                    ? "FileManager is not used here" : nil
            })
    }

    @Test func `names of types say something`() {
        let banned = [
            "Manager", "Helper", "Util", "Utils", "Handler", "Processor", "Common", "Base", "Misc", "Data",
            "Info", "Impl", "New",
        ]
        let kinds: Set<Substring> = ["struct", "class", "enum", "actor", "protocol", "typealias"]
        expectNone(
            lines { _, line in
                let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "/" }
                guard let at = words.firstIndex(where: { kinds.contains($0) }), at + 1 < words.count else {
                    return nil
                }
                let isDeclared = words[..<at].allSatisfy { $0.first?.isLowercase == true && $0 != "import" }
                let name = words[at + 1]
                guard isDeclared, name.first?.isUppercase == true else { return nil }
                if name.hasSuffix("ChannelHandler") || name.hasSuffix("LogHandler") { return nil }
                return banned.first { name.hasSuffix($0) }.map { "\(name) is named for nothing: \($0)" }
            })
    }

    @Test func `what the compiler cannot check is explained`() {
        let unchecked = ["@unchecked " + "Sendable", "nonisolated(" + "unsafe)"]
        var broken: [String] = []
        for file in SourceTree.sources where !file.isGenerated {
            for (index, line) in file.lines.enumerated() {
                guard let word = unchecked.first(where: { line.contains($0) }) else { continue }
                let near = file.lines[max(0, index - 4)...index]
                if !near.contains(where: { $0.contains("//") }) {
                    broken.append(file.place(index, "\(word) without a line saying why it is safe"))
                }
            }
        }
        expectNone(broken)
    }

    /// The functions by the line that they begin in, with the number of lines between their braces. Rough:
    /// it trusts the indentation that the formatter makes.
    private func functionLengths(_ lines: [String]) -> [(index: Int, length: Int)] {
        var result: [(index: Int, length: Int)] = []
        for (index, line) in lines.enumerated() where beginsFunction(line) {
            let indentation = String(line.prefix { $0 == " " })
            guard let start = lines[index...].firstIndex(where: { $0.hasSuffix("{") || $0.hasSuffix("}") }),
                lines[start].hasSuffix("{"), start - index < 20,
                let end = lines[start...].dropFirst().firstIndex(where: { $0.hasPrefix(indentation + "}") })
            else { continue }
            result.append((index, end - start - 1))
        }
        return result
    }

    private func beginsFunction(_ line: String) -> Bool {
        let words = line.split(whereSeparator: { " (<`?".contains($0) })
        guard let at = words.firstIndex(where: { ["func", "init", "deinit"].contains($0) }) else {
            return false
        }
        return words[..<at].allSatisfy { $0.first?.isLowercase == true || $0.hasPrefix("@") }
            && !line.contains("//")
    }
}
