// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl ignore`: what is left out of the share.
struct Ignore: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Say what is left out of the share, or list that.",
        discussion: """
            The patterns are those of a .gitignore. They stand in the file .relayignore of the folder, which
            is shared itself: what they match is shared by no machine any more, and stays wherever it is.

            Examples:
              relay-ctl ignore                          the patterns
              relay-ctl ignore 'node_modules/' '*.o'    two more
              relay-ctl ignore --check src/main.o       which pattern leaves it out?
            """)

    @Argument(help: ArgumentHelp("Patterns to append (default: list them).", valueName: "pattern"))
    var patterns: [String] = []

    @Option(
        help: ArgumentHelp(
            "Say which pattern leaves a path out; exit code 5 if none does. Directories end with a slash.",
            valueName: "path"))
    var check: String?

    @OptionGroup var options: SessionOptions

    func validate() throws {
        guard check == nil || patterns.isEmpty else {
            throw ValidationError("--check and patterns exclude each other")
        }
        for pattern in patterns where pattern.isEmpty || RawText.bytes(pattern).contains(0x0a) {
            throw ValidationError("a pattern is one line, and not empty")
        }
    }

    func run(in session: Session) async throws {
        let file = try await Array("\(folder(in: session))/\(EntryName.relayIgnore)".utf8)
        let known = try LocalFile.readIfPresent(file)
        if let check {
            try tell(RawText.bytes(check), by: known)
        } else if patterns.isEmpty {
            for line in known.split(separator: 0x0a) { Terminal.print(displayText(Array(line))) }
        } else {
            var added: [UInt8] = []
            for pattern in patterns { added += RawText.bytes(pattern) + [0x0a] }
            if let last = known.last, last != 0x0a { added.insert(0x0a, at: 0) }
            try Self.check(known + added)
            try LocalFile.append(added, to: file)
            Terminal.print("ignored from now on: \(patterns.joined(separator: ", "))")
        }
    }

    private static func check(_ bytes: [UInt8]) throws(ControlError) {
        do throws(IgnoreRules.Refusal) {
            _ = try IgnoreRules(bytes)
        } catch {
            throw .refused("cannot add to \(EntryName.relayIgnore): \(error)")
        }
    }

    private func tell(_ typed: [UInt8], by known: [UInt8]) throws {
        let isDirectory = typed.last == 0x2f
        let path = try RelativePath(typed: isDirectory ? Array(typed.dropLast()) : typed)
        guard let match = try IgnoreRules(known).match(path, isDirectory: isDirectory) else {
            throw ControlError.notFound("nothing leaves \(path) out")
        }
        Terminal.print("\(EntryName.relayIgnore):\(match.line): \(displayText(match.text))")
    }

    /// Where the folder is on this machine.
    private func folder(in session: Session) async throws -> String {
        let folders = try await session.client.agentStatus().folders
        let meant = folders.filter { folder in
            session.share.map { $0 == folder.share || $0 == folder.path } ?? true
        }
        guard let folder = meant.first else { throw ControlError.notFound("the agent has no such folder") }
        guard meant.count == 1 else {
            throw ControlError.usage("the agent has several folders: say which one with --share")
        }
        return folder.path
    }
}
