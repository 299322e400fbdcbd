// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// Does what one line of the shell asks for.
struct ShellRun: Sendable {
    enum Outcome: Equatable {
        case done
        case failed(Int32)
        case quit
    }

    let session: Session

    func run(_ line: [UInt8]) async -> Outcome {
        do {
            switch try ShellLine(parsing: line) {
            case .blank: return .done
            case .classic(let verb, let name): try await classic(verb, name)
            case .words(let words):
                let words = words.map { RawText.text($0) }
                switch words.first {
                case "quit", "exit": return .quit
                case "help" where words.count == 1: Terminal.print(Shell.help)
                default: try await verb(words)
                }
            }
            return .done
        } catch {
            let code = Program.report(error, root: RelayCtl.self, name: "relay-ctl", advice: "help")
            return code == 0 ? .done : .failed(code)
        }
    }

    private func classic(_ verb: ShellLine.ClassicVerb, _ bytes: [UInt8]) async throws {
        let path = try RelativePath(typed: bytes)
        switch verb {
        case .upload:
            var uploading = Uploading(session: session)
            try await uploading.upload(path.bytes, as: path)
            try uploading.finish()
        case .download:
            try await WaitingNotice.telling(of: path, in: session) {
                let place = try await session.client.download(
                    share: session.share, path: path, timeoutSeconds: nil)
                Terminal.print("downloaded \(path) to \(place)")
            }
        case .delete:
            try await session.client.delete(share: session.share, path: path)
            Terminal.print("deleted \(path)")
        }
    }

    /// The verbs of the command line, in the shell's session; they may name another share of the same agent.
    private func verb(_ words: [String]) async throws {
        let command = try RelayCtl.parseAsRoot(words)
        guard let verb = command as? any Verb, !(command is Shell) else {
            throw ControlError.usage("no such verb here: \(displayText(Array((words.first ?? "").utf8)))")
        }
        guard verb.options.state == nil, verb.options.socket == nil else {
            throw ControlError.usage(
                "the shell stays with one agent: --state and --socket are not for its lines")
        }
        var session = session
        if let share = verb.options.share { session.share = share }
        try await verb.run(in: session)
    }
}
