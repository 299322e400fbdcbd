// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Nodes to which something happened within the last half minute to minute; of many, the first ones.
struct RecentNodes {
    private var late: Set<NodeID> = []
    private var early: Set<NodeID> = []
    private var since = Instant(milliseconds: 0)

    private static let periodMilliseconds: Int64 = 30_000
    private static let limit = 10_000

    func contains(_ id: NodeID) -> Bool { late.contains(id) || early.contains(id) }

    mutating func insert(_ id: NodeID, _ now: Instant) {
        forgetOld(now)
        if late.count < Self.limit { late.insert(id) }
    }

    /// False: it is none of them.
    mutating func remove(_ id: NodeID) -> Bool { late.remove(id) != nil || early.remove(id) != nil }

    mutating func count(_ now: Instant) -> Int {
        forgetOld(now)
        return late.count + early.count
    }

    private mutating func forgetOld(_ now: Instant) {
        guard since + Self.periodMilliseconds <= now else { return }
        early = since + 2 * Self.periodMilliseconds <= now ? [] : late
        late = []
        since = now
    }
}
