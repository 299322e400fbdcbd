// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Latest records of a hub's index as they stood at one moment, for an agent to compare its own with.
package struct AuditPage: Hashable, Sendable {
    /// In the order of their revisions, tombstones among them.
    package var records: [NodeRecord]
    /// The index has no other record after the revision that was asked for and up to this one.
    package var through: Revision
    /// The share's newest revision of that moment.
    package var head: Cursor

    package init(records: [NodeRecord], through: Revision, head: Cursor) {
        self.records = records
        self.through = through
        self.head = head
    }

    /// Whether nothing follows.
    package var isLast: Bool { through >= head.revision }

    /// The most records that are asked for at a time.
    package static let limitRecords = ChangePage.limitRecords
}

extension AuditPage {
    /// Reads a page from an index: records after a revision, as many as asked for and as fit into a message.
    package init(of index: some ShareIndex, after revision: Revision, limit: Int) throws(StateError) {
        let limit = min(max(1, limit), Self.limitRecords)
        let found = try index.records(after: revision, limit: limit)
        var builder = ChangePageBuilder()
        var taken = revision
        for record in found {
            guard builder.add(record, offer: nil) else { break }
            taken = record.revision
        }
        let isLast = builder.records.count == found.count && found.count < limit
        self.init(
            records: builder.records, through: isLast ? max(taken, index.head.revision) : taken,
            head: index.head)
    }
}
