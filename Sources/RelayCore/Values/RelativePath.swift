// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A path beneath a share's root: zero or more entry names; the empty path is the root.
package struct RelativePath: Hashable, Sendable {
    package var components: [EntryName]

    /// The deepest path that is accepted from anyone.
    package static let limitDepth = 2048

    package init(_ components: [EntryName]) { self.components = components }

    /// The share's root.
    package static let root = RelativePath([])

    /// Splits bytes at `/`; empty components and a leading `/` are refused, the empty input is the root.
    package init?(bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty else {
            components = []
            return
        }
        var components: [EntryName] = []
        for part in bytes.split(separator: 0x2f, omittingEmptySubsequences: false) {
            guard let name = EntryName(part) else { return nil }
            components.append(name)
        }
        guard components.count <= Self.limitDepth else { return nil }
        self.components = components
    }

    /// The components joined with `/`.
    package var bytes: [UInt8] { Array(components.map(\.bytes).joined(separator: [0x2f])) }

    package var isRoot: Bool { components.isEmpty }

    /// The last component; nil for the root.
    package var name: EntryName? { components.last }

    /// The path without its last component; the root's parent is the root.
    package var parent: RelativePath { RelativePath(Array(components.dropLast())) }

    package func appending(_ name: EntryName) -> RelativePath { RelativePath(components + [name]) }

    /// Whether this path is `ancestor` or lies beneath it.
    package func isWithin(_ ancestor: RelativePath) -> Bool { components.starts(with: ancestor.components) }
}

extension RelativePath: CustomStringConvertible {
    /// The path for people, control and invalid bytes escaped; the root is `.`.
    package var description: String { isRoot ? "." : displayText(bytes) }
}
