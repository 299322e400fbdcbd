// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// When the hub's history is not the one that was followed: its state was restored from an older copy.
//
// Up to some revision, the fork, both have their history in common. What was agreed on up to there stands.
// What was agreed on later and is older on the hub now, the hub lost: to it, it is a change that it has not
// been told of. What the hub changed since in its new history and was also agreed on after the fork was
// changed on both sides: then nothing is agreed on.

extension AgentEngine {
    /// The hub's line of history is, after this revision, not the one that was followed: nothing is known of
    /// what it has, and what it does not have was not removed there.
    func forgetHub(after common: Revision) throws(StateError) {
        var after: NodeID?
        while true {
            let page = try replica.nodes(after: after, limit: 1000)
            for id in page {
                guard var node = try replica.node(id) else { continue }
                node.remote = nil
                try put(node)
                dirty.insert(id)
            }
            guard page.count == 1000, let last = page.last else { break }
            after = last
        }
        for id in formerNodes.sorted() { try dropFormerStates(of: id) }
        areStepsOutdated = applying != nil
        try replica.removeLandmarks(after: common)
        try replica.setFork(min(replica.fork ?? common, common))
        try replica.setCursor(nil)
        awaitedRevision = .zero
        reportedRevision = .zero
    }

    /// What of the node's base stands in the hub's present history, of which this is the first word.
    func rebase(
        _ node: inout ReplicaNode, onto record: NodeRecord, after fork: Revision
    ) throws(StateError) {
        guard var base = node.base else {
            // The hub lost a removal that was agreed on.
            if node.local == nil, let state = record.state, record.revision <= fork,
                let removed = try replica.removal(of: node.id), removed > fork
            {
                node.base = state
            }
            return
        }
        if SeededBug.trustsLostHistory.isMade { return }
        guard let state = record.state else {
            let isLater = max(base.placementRevision, base.payloadRevision) > fork
            if isLater, record.revision > fork { node.base = nil }
            return
        }
        if state.payload == base.payload || base.payloadRevision > fork && state.payloadRevision <= fork {
            base.payload = state.payload
            base.payloadRevision = state.payloadRevision
        } else if base.payloadRevision > fork {
            node.base = nil
            return
        }
        let isLost = base.placementRevision > fork && state.placementRevision <= fork
        if state.placement == base.placement || isLost {
            base.placement = state.placement
            base.placementRevision = state.placementRevision
        } else if base.placementRevision > fork {
            base.placementRevision = .zero
        }
        node.base = base
    }

    /// Once everything that the hub has is known: what it did not name it does not have.
    func concludeFork() throws(StateError) {
        guard let fork = replica.fork else { return }
        for id in unsettled.sorted() {
            guard var node = try replica.node(id), node.base != nil, node.remote == nil else { continue }
            node.base = nil
            try putAndPlan(node)
        }
        try replica.forgetRemovals(after: fork)
        try replica.setFork(nil)
    }
}
