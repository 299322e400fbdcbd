// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import RelayCore

/// The latest hints by directory and name, so that they can be given again when a directory is moved: the
/// agent may not have looked at the old path yet, and will find nothing there any more.
struct RecentHints {
    static let limit = 4096
    /// Hints that are older were looked at.
    static let lifeMilliseconds: Int64 = 30_000

    private struct Entry {
        var node: DirectoryNode
        /// Nil: the directory and all beneath it.
        var name: EntryName?
        var given: Instant
    }

    private var entries: [Entry] = []
    private var oldest = 0
    /// Until when a hint that is not remembered any more may matter.
    private var isIncompleteUntil: Instant?

    mutating func add(_ node: DirectoryNode, _ name: EntryName?, now: Instant) {
        let entry = Entry(node: node, name: name, given: now)
        guard entries.count == Self.limit else {
            entries.append(entry)
            return
        }
        isIncompleteUntil = entries[oldest].given + Self.lifeMilliseconds
        entries[oldest] = entry
        oldest = (oldest + 1) % Self.limit
    }

    /// What was hinted within this directory lately; nil if that is not known.
    func within(_ node: DirectoryNode, now: Instant) -> [(node: DirectoryNode, name: EntryName?)]? {
        if let isIncompleteUntil, now < isIncompleteUntil { return nil }
        return entries.filter { now < $0.given + Self.lifeMilliseconds && $0.node.isWithin(node) }
            .map { ($0.node, $0.name) }
    }
}
