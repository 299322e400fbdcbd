// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Which nodes cannot go on before another node does.
struct WaitList {
    private var waiters: [NodeID: [NodeID]] = [:]
    private var blockers: [NodeID: NodeID] = [:]

    var isEmpty: Bool { blockers.isEmpty }

    /// What the node waits for.
    func blocker(of node: NodeID) -> NodeID? { blockers[node] }

    /// Lets `node` wait for `blocker` (and for nothing else).
    mutating func insert(_ node: NodeID, waitingFor blocker: NodeID) {
        if blockers.updateValue(blocker, forKey: node) == blocker { return }
        waiters[blocker, default: []].append(node)
    }

    mutating func remove(_ node: NodeID) { blockers[node] = nil }

    /// Those who wait for `blocker`, who wait no more.
    mutating func release(_ blocker: NodeID) -> [NodeID] {
        guard let nodes = waiters.removeValue(forKey: blocker) else { return [] }
        return nodes.filter { node in
            guard blockers[node] == blocker else { return false }
            blockers[node] = nil
            return true
        }
    }

    /// Those who wait for `blocker`, and those who wait for them, and so on; they go on waiting.
    func allWaiters(of blocker: NodeID) -> [NodeID] {
        var found: [NodeID] = []
        var seen: Set<NodeID> = [blocker]
        var next = [blocker]
        while let current = next.popLast() {
            for node in waiters[current, default: []] where blockers[node] == current {
                guard seen.insert(node).inserted else { continue }
                found.append(node)
                next.append(node)
            }
        }
        return found
    }

    /// Gives back room that was needed once.
    mutating func shrink() {
        waiters.shrink()
        blockers.shrink()
    }

    /// All waiting nodes, in the order of their ids, who wait no more.
    mutating func releaseAll() -> [NodeID] {
        let nodes = blockers.keys.sorted()
        waiters = [:]
        blockers = [:]
        return nodes
    }

    /// The nodes of the circle that `node` would close by waiting for `blocker`; nil if it would close none.
    func circle(closedBy node: NodeID, waitingFor blocker: NodeID) -> [NodeID]? {
        var circle = [node]
        var current = blocker
        while current != node {
            circle.append(current)
            guard let next = blockers[current], circle.count <= blockers.count + 1 else { return nil }
            current = next
        }
        return circle
    }
}
