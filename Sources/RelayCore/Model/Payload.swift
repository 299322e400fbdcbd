// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What kind of thing a node is.
package enum NodeKind: UInt8, Sendable, Hashable {
    case file = 1
    case directory = 2
    case symlink = 3
}

/// The nine permission bits; set-user-ID, set-group-ID and sticky bits are never kept.
package struct PermissionBits: Hashable, Sendable {
    package let rawValue: UInt16
    package init(_ mode: UInt32) { rawValue = UInt16(truncatingIfNeeded: mode & 0o777) }

    /// Four octal digits, as `0644`.
    package var octalText: String {
        let digits = String(rawValue, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }

    /// Reads octal digits up to `0777`; nil for anything else.
    package init?(octalText text: some StringProtocol) {
        guard let mode = UInt32(text, radix: 8), mode <= 0o777 else { return nil }
        self.init(mode)
    }
}

/// What a node holds.
package enum Payload: Hashable, Sendable {
    case file(FilePayload)
    case directory(mode: PermissionBits)
    /// The link's target as bytes: kept, never followed.
    case symlink(target: [UInt8])

    package var kind: NodeKind {
        switch self {
        case .file: .file
        case .directory: .directory
        case .symlink: .symlink
        }
    }

    /// The content of a file; nil for anything else.
    package var content: ContentID? {
        if case .file(let file) = self { file.content } else { nil }
    }

    /// Whether it is a file without a byte, which nobody can lose.
    package var isEmptyFile: Bool {
        if case .file(let file) = self { file.sizeBytes == 0 } else { false }
    }

    /// Whether both hold the same bytes: content, link target, or both are directories.
    package func hasSameContent(as other: Payload) -> Bool {
        switch (self, other) {
        case (.file(let left), .file(let right)): left.content == right.content
        case (.directory, .directory): true
        case (.symlink(let left), .symlink(let right)): left == right
        default: false
        }
    }
}

/// A file's payload.
package struct FilePayload: Hashable, Sendable {
    package var content: ContentID
    package var sizeBytes: UInt64
    package var mode: PermissionBits
    package var modified: Timestamp

    package init(content: ContentID, sizeBytes: UInt64, mode: PermissionBits, modified: Timestamp) {
        self.content = content
        self.sizeBytes = sizeBytes
        self.mode = mode
        self.modified = modified
    }
}

/// Where a node is.
package struct Placement: Hashable, Sendable {
    package var parent: NodeID
    package var name: EntryName

    package init(parent: NodeID, name: EntryName) {
        self.parent = parent
        self.name = name
    }
}
