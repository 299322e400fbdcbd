// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What tells one inode from all others, also from later ones with the same number.
package struct FileIdentity: Hashable, Sendable {
    package var device: UInt64
    package var inode: UInt64
    /// Birth time; zero where the file system has none.
    package var born: Timestamp

    package init(device: UInt64, inode: UInt64, born: Timestamp) {
        self.device = device
        self.inode = inode
        self.born = born
    }
}

/// What `statx` says of an entry: equal fingerprints mean that nothing was changed.
package struct Fingerprint: Hashable, Sendable {
    package var identity: FileIdentity
    package var sizeBytes: UInt64
    package var modified: Timestamp
    package var changed: Timestamp
    /// The whole `st_mode`'s low twelve bits.
    package var mode: UInt16

    package init(
        identity: FileIdentity, sizeBytes: UInt64, modified: Timestamp, changed: Timestamp, mode: UInt16
    ) {
        self.identity = identity
        self.sizeBytes = sizeBytes
        self.modified = modified
        self.changed = changed
        self.mode = mode
    }

    package var permissions: PermissionBits { PermissionBits(UInt32(mode)) }

    /// Whether the file's two times lie within one step of a coarse clock (10 ms): a write of that step that
    /// keeps the size would show in neither.
    package var mayHideWrite: Bool {
        let (early, late) = modified < changed ? (modified, changed) : (changed, modified)
        let (seconds, overflow) = late.seconds.subtractingReportingOverflow(early.seconds)
        guard !overflow, seconds <= 1 else { return false }
        return seconds * 1_000_000_000 + Int64(late.nanoseconds) - Int64(early.nanoseconds) < 12_000_000
    }

    /// Equal in everything that a rename, an exchange or a new hard link leaves alone (all but ctime).
    package func isUnchangedButForLinks(_ other: Fingerprint) -> Bool {
        var copy = other
        copy.changed = changed
        return copy == self
    }
}
