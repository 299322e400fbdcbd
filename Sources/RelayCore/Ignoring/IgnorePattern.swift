// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// One pattern of a `.relayignore`, ready to be matched.
///
/// Source of the grammar: gitignore(5), and git's `dir.c` and `wildmatch.c` where that page is silent.
struct IgnorePattern: Sendable {
    let line: Int
    let text: [UInt8]
    /// Whether what it matches is not left out after all.
    let isNegated: Bool
    /// Whether it matches directories alone.
    let isForDirectories: Bool
    /// Whether it is held against the name alone; else against the path from the root.
    private let isForNames: Bool
    private let shape: Shape

    private enum Shape: Sendable {
        case literal([UInt8])
        /// A star and what has to follow.
        case suffix([UInt8])
        case glob([GlobElement])
    }

    /// Nil for what cannot match anything.
    init?(_ written: ArraySlice<UInt8>, number: Int) {
        let trimmed = Self.trimmed(written)
        var pattern = trimmed
        isNegated = pattern.first == 0x21
        if isNegated { pattern = pattern.dropFirst() }
        isForDirectories = pattern.last == 0x2f
        if isForDirectories { pattern = pattern.dropLast() }
        isForNames = !pattern.contains(0x2f)
        if pattern.first == 0x2f { pattern = pattern.dropFirst() }
        guard !pattern.isEmpty else { return nil }
        line = number
        text = Array(trimmed)
        let special = pattern.firstIndex(where: GlobElement.isSpecial) ?? pattern.endIndex
        if special == pattern.endIndex {
            shape = .literal(Array(pattern))
        } else if isForNames, pattern.first == 0x2a,
            !pattern.dropFirst().contains(where: GlobElement.isSpecial)
        {
            shape = .suffix(Array(pattern.dropFirst()))
        } else {
            // As in git, what follows the plain beginning counts as if it began the pattern.
            guard let rest = GlobElement.parse(pattern[special...], isForNames: isForNames) else {
                return nil
            }
            shape = .glob(pattern[..<special].map(GlobElement.byte) + rest)
        }
    }

    /// Without the spaces at the end that no backslash protects.
    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var end = line.startIndex
        var index = line.startIndex
        while index < line.endIndex {
            if line[index] == 0x5c {
                index = min(index + 2, line.endIndex)
                end = index
            } else {
                index += 1
                if line[index - 1] != 0x20 { end = index }
            }
        }
        return line[..<end]
    }

    /// Whether it matches the entry at a path, the last name of which begins at `nameStart`.
    func matches(_ path: [UInt8], nameStart: Int) -> Bool {
        let start = isForNames ? nameStart : 0
        switch shape {
        case .literal(let bytes):
            return path.count - start == bytes.count && path[start...].elementsEqual(bytes)
        case .suffix(let bytes):
            return path.count - start >= bytes.count && path.suffix(bytes.count).elementsEqual(bytes)
        case .glob(let elements):
            return GlobElement.match(elements, path, from: start)
        }
    }
}
