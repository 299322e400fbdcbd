// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// One line of `relay-ctl shell`, understood.
package enum ShellLine: Hashable, Sendable {
    /// Nothing to do: an empty line or a comment (`#` first).
    case blank
    /// A classic line, `UPLOAD@name`: everything behind the `@` is the name, as it is.
    case classic(ClassicVerb, name: [UInt8])
    /// A verb of `relay-ctl` and its arguments, quotes removed.
    case words([[UInt8]])

    package enum ClassicVerb: String, Hashable, Sendable, CaseIterable {
        case upload = "UPLOAD"
        case download = "DOWNLOAD"
        case delete = "DELETE"
    }

    /// Reads one line without its line feed; a carriage return before it is taken off.
    package init(parsing line: [UInt8]) throws(ControlError) {
        let text = trimmed(line)
        guard let first = text.first, first != 0x23 else {
            self = .blank
            return
        }
        if let verb = ClassicVerb.allCases.first(where: { Self.begins(text, with: $0) }) {
            let name = Array(text.dropFirst(verb.rawValue.utf8.count + 1))
            guard !name.isEmpty else { throw .usage("\(verb.rawValue)@ lacks a name") }
            self = .classic(verb, name: name)
            return
        }
        var words = WordSplitter()
        for byte in text { words.take(byte) }
        self = .words(try words.finish())
    }

    private static func begins(_ text: [UInt8], with verb: ClassicVerb) -> Bool {
        let prefix = Array(verb.rawValue.utf8) + [0x40]
        guard text.count >= prefix.count else { return false }
        return zip(text, prefix).allSatisfy { byte, letter in
            byte == letter || ((0x61...0x7a).contains(byte) && byte - 0x20 == letter)
        }
    }
}

/// Splits a line into words as a shell does: blanks separate, quotes of both kinds and backslashes keep what
/// they enclose; between double quotes a backslash escapes only `"` and `\`.
private struct WordSplitter {
    private enum State {
        case plain, singleQuoted, doubleQuoted, escaped, escapedInDoubleQuotes
    }

    private var words: [[UInt8]] = []
    private var word: [UInt8]?
    private var state = State.plain

    mutating func take(_ byte: UInt8) {
        switch (state, byte) {
        case (.plain, 0x20), (.plain, 0x09): endWord()
        case (.plain, 0x27): begin(.singleQuoted)
        case (.plain, 0x22): begin(.doubleQuoted)
        case (.plain, 0x5c): begin(.escaped)
        case (.singleQuoted, 0x27), (.doubleQuoted, 0x22): state = .plain
        case (.doubleQuoted, 0x5c): state = .escapedInDoubleQuotes
        case (.escaped, _):
            append(byte)
            state = .plain
        case (.escapedInDoubleQuotes, _):
            if byte != 0x22, byte != 0x5c { append(0x5c) }
            append(byte)
            state = .doubleQuoted
        default: append(byte)
        }
    }

    mutating func finish() throws(ControlError) -> [[UInt8]] {
        switch state {
        case .plain: break
        case .singleQuoted: throw .usage("a single quote is not closed")
        case .doubleQuoted, .escapedInDoubleQuotes: throw .usage("a double quote is not closed")
        case .escaped: throw .usage("nothing follows the backslash at the end")
        }
        endWord()
        return words
    }

    private mutating func begin(_ next: State) {
        word = word ?? []
        state = next
    }

    private mutating func append(_ byte: UInt8) { word = (word ?? []) + [byte] }

    private mutating func endWord() {
        if let word { words.append(word) }
        word = nil
    }
}

private func trimmed(_ line: [UInt8]) -> [UInt8] {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
    let start = line.firstIndex { !isBlank($0) } ?? line.endIndex
    let end = line.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? start
    return Array(line[start..<max(start, end)])
}
