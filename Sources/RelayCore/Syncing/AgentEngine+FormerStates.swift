// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// What an engine that was dropped may have left in the folder.
//
// A step that took effect just before the agent was killed is not in the local tree: the folder shows it as
// if a user had made it. What the hub had then is how it is recognised, so a state that the feed replaces is
// kept in the replica for as long as a step towards it may have taken effect unseen. Former states are
// observations like the trees; once the folder was looked at they are forgotten, and mostly there are none.

extension AgentEngine {
    /// Keeps what the feed is about to replace, if the folder may hold it unknown to the local tree.
    func rememberFormerState(of node: ReplicaNode) throws(StateError) {
        guard applyingNodes.contains(node.id) || mayHoldUnrecorded, let state = node.remote?.state,
            state != node.base
        else { return }
        try remember(state, of: node.id)
    }

    /// Keeps a passing place that a step is about to give a node.
    func rememberPassingPlace(_ place: Placement, of id: NodeID) throws(StateError) {
        guard var state = try replica.node(id)?.base else { return }
        state.placement = place
        try remember(state, of: id)
    }

    private func remember(_ state: NodeState, of id: NodeID) throws(StateError) {
        formerNodes.insert(id)
        try replica.addFormerState(state, of: id)
    }

    /// What became of the node's step is known.
    func dropFormerStates(of id: NodeID) throws(StateError) {
        guard formerNodes.remove(id) != nil else { return }
        try replica.removeFormerStates(of: id)
    }

    /// Once the whole folder was looked at, nothing is in it that the local tree does not know.
    func forgetFormerStates() throws(StateError) {
        guard mayHoldUnrecorded, try isLookedThrough() else { return }
        mayHoldUnrecorded = false
        for id in formerNodes.sorted() where !applyingNodes.contains(id) { try dropFormerStates(of: id) }
    }

    /// Whether everything in the folder was looked at and read, as far as it can be.
    func isLookedThrough() throws(StateError) -> Bool {
        guard isScanned, scans.isEmpty, scanning == nil, missing.isEmpty, reading.isEmpty,
            readQueue.isEmpty, dirty.isEmpty, !readRetries.values.contains(where: \.isFresh)
        else { return false }
        return try !isUncertain()
    }

    /// Takes a facet that the folder has as the hub had it for agreed on. False: nothing of the kind.
    func recogniseFormerState(_ node: inout ReplicaNode) throws(StateError) -> Bool {
        guard mayHoldUnrecorded, formerNodes.contains(node.id), let local = node.local,
            let payload = local.payload,
            let before = node.base
        else { return false }
        var base = before
        for state in try replica.formerStates(of: node.id) {
            if before.payload != payload, state.payload.hasSameContent(as: payload),
                state.payload == payload || !before.payload.hasSameContent(as: payload)
            {
                base.payload = state.payload
                base.payloadRevision = state.payloadRevision
            }
            if before.placement != local.placement, state.placement == local.placement {
                base.placement = local.placement
                base.placementRevision = state.placementRevision
            }
        }
        node.base = base
        return base != before
    }

    /// Whether an entry that seems new is a node that the hub has, or had, at its place: then it becomes that
    /// node.
    func isKnownToHub(_ node: ReplicaNode) throws(StateError) -> Bool {
        guard let local = node.local, let payload = local.payload else { return false }
        if let id = try replica.remoteChild(local.placement), let owner = try replica.node(id),
            owner.local == nil, owner.base == nil, !isBusy(id),
            let state = owner.remote?.state, state.payload.hasSameContent(as: payload)
        {
            if !mustWaitForSteps(node) { try adopt(node, as: owner) }
            return true
        }
        guard mayHoldUnrecorded, !formerNodes.isEmpty else { return false }
        for id in try replica.nodesFormerly(at: local.placement) {
            var owner = try replica.node(id) ?? ReplicaNode(id: id, remote: .removed(.zero))
            guard owner.local == nil, owner.base == nil, !isBusy(id),
                let state = try replica.formerStates(of: id).last(where: {
                    $0.placement == local.placement && $0.payload == payload
                })
            else { continue }
            owner.base = state
            if !mustWaitForSteps(node) { try adopt(node, as: owner) }
            return true
        }
        return false
    }
}
