// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Contents to which something happened since the engine began; of many, the last thousands.
struct RecentContents {
    private var late: Set<ContentID> = []
    private var early: Set<ContentID> = []

    private static let limit = 4096

    func contains(_ content: ContentID) -> Bool { late.contains(content) || early.contains(content) }

    mutating func insert(_ content: ContentID) {
        if late.count == Self.limit {
            early = late
            late = []
        }
        late.insert(content)
    }
}
