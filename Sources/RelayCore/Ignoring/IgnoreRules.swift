// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What is left out of a share: the patterns of its `.relayignore`, in the grammar of a `.gitignore`.
///
/// Pure and over bytes. The last pattern that matches an entry decides; what lies beneath an ignored
/// directory is ignored, whatever later patterns say. The root's `.relayignore` and `.relay` never are.
package struct IgnoreRules: Sendable {
    private let patterns: [IgnorePattern]

    /// The largest file of rules, in bytes.
    package static let limitBytes = 1 << 20
    /// The most patterns.
    package static let limitPatterns = 10_000

    /// Why bytes are no rules.
    package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        case tooLarge
        case tooManyPatterns

        package var description: String {
            switch self {
            case .tooLarge: "it is larger than \(IgnoreRules.limitBytes) bytes"
            case .tooManyPatterns: "it has more than \(IgnoreRules.limitPatterns) patterns"
            }
        }
    }

    /// The pattern that leaves an entry out.
    package struct Match: Hashable, Sendable {
        /// From 1.
        package var line: Int
        /// As it is written, without the spaces at its end.
        package var text: [UInt8]
    }

    /// Reads the lines of a file.
    package init(_ bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= Self.limitBytes else { throw .tooLarge }
        var patterns: [IgnorePattern] = []
        var rest = bytes[...]
        if rest.starts(with: [0xef, 0xbb, 0xbf]) { rest = rest.dropFirst(3) }
        var number = 0
        for var line in rest.split(separator: 0x0a, omittingEmptySubsequences: false) {
            number += 1
            if line.last == 0x0d { line = line.dropLast() }
            if let end = line.firstIndex(of: 0) { line = line[..<end] }
            if line.isEmpty || line.first == 0x23 { continue }
            guard patterns.count < Self.limitPatterns else { throw .tooManyPatterns }
            if let pattern = IgnorePattern(line, number: number) { patterns.append(pattern) }
        }
        self.patterns = patterns
    }

    /// Whether nothing is left out.
    package var isEmpty: Bool { patterns.isEmpty }

    /// Whether the entry at a path, or a directory above it, is left out.
    package func ignore(_ path: RelativePath, isDirectory: Bool) -> Bool {
        match(path, isDirectory: isDirectory) != nil
    }

    /// The pattern by which the entry at a path, or a directory above it, is left out; nil if it is not.
    package func match(_ path: RelativePath, isDirectory: Bool) -> Match? {
        var bytes: [UInt8] = []
        for (index, name) in path.components.enumerated() {
            let isLast = index == path.components.count - 1
            if let match = match(name, in: bytes, isDirectory: isDirectory || !isLast) { return match }
            bytes += name.bytes
            bytes.append(0x2f)
        }
        return nil
    }

    /// Whether an entry is left out, if the directory that it lies in is not. `directory`: its path with a
    /// slash after each name; empty for the root.
    package func ignore(_ name: EntryName, in directory: [UInt8], isDirectory: Bool) -> Bool {
        match(name, in: directory, isDirectory: isDirectory) != nil
    }

    private func match(_ name: EntryName, in directory: [UInt8], isDirectory: Bool) -> Match? {
        if directory.isEmpty, name == .relayIgnore || name == .relayDirectory { return nil }
        let path = directory + name.bytes
        for pattern in patterns.reversed() {
            guard isDirectory || !pattern.isForDirectories,
                pattern.matches(path, nameStart: directory.count)
            else { continue }
            return pattern.isNegated ? nil : Match(line: pattern.line, text: pattern.text)
        }
        return nil
    }
}

extension EntryName {
    /// The file of a share's root whose patterns say what is left out.
    package static let relayIgnore = EntryName(unchecked: Array(".relayignore".utf8))
}
