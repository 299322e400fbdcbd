// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What `relay-watch` tells the agent, one record after the other on its standard output.
///
/// A record is its length as four bytes (of what follows), one byte of type, and a body; numbers are most
/// significant byte first, a path is its length as four bytes and its bytes (the root's is empty).
///
/// | type | record | body |
/// | --- | --- | --- |
/// | 1 | ready | empty |
/// | 2 | hints | for each hint one byte (0 entry, 1 being written, 2 subtree, 3 deleted) and its path |
/// | 3 | overflow | empty |
/// | 4 | polling | the number of directories as four bytes, then the paths of the first of them |
/// | 5 | root gone | a text for people, UTF-8 |
package enum WatchRecord: Hashable, Sendable {
    /// All directories that can be watched are watched: what changes from now on is hinted.
    case ready
    case hints([Hint])
    /// Hints were lost: everything has to be looked at.
    case overflow
    /// These directories, and all beneath them, cannot be watched at the moment; they are hinted as
    /// subtrees from time to time instead. The paths are the first of `count`; the record replaces earlier
    /// ones.
    case polling(count: UInt32, directories: [RelativePath])
    /// The folder's root was moved, removed or unmounted. The last record.
    case rootGone(String)
}

/// Bytes that are not a record of `relay-watch`.
package struct WatchRecordError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

extension WatchRecord {
    /// The largest record, its length field not counted. The longest path fits.
    package static let limitBytes = 1 << 20
    /// The most paths that a polling record names.
    package static let limitPollingPaths = 4096

    enum Tag: UInt8 {
        case ready = 1
        case hints = 2
        case overflow = 3
        case polling = 4
        case rootGone = 5
    }

    enum HintTag: UInt8 {
        case entry = 0
        case writing = 1
        case subtree = 2
        case deleted = 3
    }
}
