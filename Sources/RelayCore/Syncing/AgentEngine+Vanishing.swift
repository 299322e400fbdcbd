// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// Names that are gone: for a while they may come back or turn up elsewhere, then what had them was removed.

extension AgentEngine {
    /// `isDeleted`: the name is known to have been deleted, not moved.
    func vanish(_ id: NodeID, isDeleted: Bool = false) {
        guard missing[id] == nil else { return }
        let isAlone = missing.isEmpty && lastRemoval + EngineLimits.settleMilliseconds <= now
        if missing.isEmpty || lastVanishing + EngineLimits.settleMilliseconds <= now { vanishingSince = now }
        lastVanishing = now
        if isDeleted, isAlone {
            missing[id] = now + EngineLimits.deletionMilliseconds
            hasty = HastyRemoval(node: id)
            return
        }
        missing[id] = now + EngineLimits.settleMilliseconds
        // More than one: who removes many is not to have some of them told before the others are counted.
        if let first = hasty?.node, missing[first] != nil {
            missing[first] = now + EngineLimits.settleMilliseconds
        }
        hasty = nil
    }

    /// Before a removal is told early, some names beside it are looked at: where they are gone too, much is
    /// being removed, and what tells of it is late.
    func lookBeside() throws(StateError) {
        guard let hasty, !hasty.wasLookedBeside, let due = missing[hasty.node], due <= now else { return }
        self.hasty?.wasLookedBeside = true
        guard let parent = try replica.node(hasty.node)?.local?.placement.parent, parent != .limbo else {
            return
        }
        let beside = try replica.localChildren(of: parent, limit: EngineLimits.looksBeside)
        for id in beside where missing[id] == nil {
            guard let placement = try replica.node(id)?.local?.placement else { continue }
            scans.insert(entry: placement)
        }
        if let placement = try replica.node(parent)?.local?.placement { scans.insert(entry: placement) }
    }

    /// After the wait, and once no place is left to look at, what vanished was removed.
    func concludeMissing() throws(StateError) {
        guard !missing.isEmpty else {
            removalsWaitSince = nil
            return
        }
        guard canJudge else { return }
        let due = missing.filter { $0.value <= now }.keys.sorted()
        guard !due.isEmpty else { return }
        if try isUncertain() { return }
        try forgetVanished()
        guard try mayRemove() else { return }
        for id in due where missing[id] != nil { try concludeRemoval(of: id) }
        vanishingSince = now
    }

    /// Whether nothing is under way that may find what vanished, and no more of it is waited for.
    var canJudge: Bool {
        guard scans.isEmpty, scanning == nil, applying == nil, haltReason == nil else { return false }
        return removalsDue.map { $0 <= now } ?? true
    }

    /// Whether what vanished may be where the engine could not look; for a while, that is waited for.
    func isUncertain() throws(StateError) -> Bool {
        for (target, since) in unknown where since + EngineLimits.uncertaintyMilliseconds > now {
            if try !isGone(target.directory) { return true }
        }
        return false
    }

    /// The local tree loses the node and everything beneath it.
    func concludeRemoval(of id: NodeID) throws(StateError) {
        var stack = [id]
        while let id = stack.popLast() {
            missing[id] = nil
            lastRemoval = now
            stack.append(contentsOf: try replica.localChildren(of: id))
            guard var node = try replica.node(id) else { continue }
            if !young.remove(id), node.base != nil { removals.note(now) }
            let former = node.local
            node.local = nil
            if losses?.recent[id] != nil { node.base = nil }
            try noteSuccessor(of: node, former)
            clearTrouble(id)
            passing[id] = nil
            readRetries[id] = nil
            drafts[id] = nil
            try putAndPlan(node)
        }
    }

    /// The file of a node that is to be removed may stand under another one's name.
    private func noteSuccessor(of node: ReplicaNode, _ local: LocalState?) throws(StateError) {
        guard let local, local.kind == .file, plan(node) == .remove else { return }
        let file = local.fingerprint.identity
        for id in try replica.localNodes(identity: file)
        where id != node.id && missing[id] == nil
            && successors.wasTaken(file, between: id, and: node.id)
        {
            successors.insert(id, of: node.id)
            try keepFromLosses(id, removing: node)
        }
    }

    /// Whoever removed or overwrote the node that has a removed one's file now took the other for its copy.
    private func keepFromLosses(
        _ successor: NodeID, removing predecessor: ReplicaNode
    ) throws(StateError) {
        guard var node = try replica.node(successor), let base = node.base, let local = node.local,
            Self.hasCopyOf(node, predecessor)
        else { return }
        switch node.remote {
        case .live(let state):
            guard state.payloadRevision != base.payloadRevision,
                state.payload.content != local.payload?.content
            else { return }
        case .removed: break
        case nil: return
        }
        node.base = nil
        try putAndPlan(node)
    }

    /// Whether `other` got what it holds on the hub after `node` had got what was agreed on of it: that may
    /// be a copy of it. A draft that is renamed over the file was on the hub before.
    static func hasCopyOf(_ node: ReplicaNode, _ other: ReplicaNode) -> Bool {
        guard let base = node.base, let copy = other.base else { return false }
        return copy.payloadRevision > base.payloadRevision
    }
}
