// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// From a node's three states to what is to be done next about it.

extension AgentEngine {
    func plan(_ node: ReplicaNode) -> NodePlan {
        let plan = Planner.plan(
            base: node.base, local: node.local.flatMap { LocalView($0) }, remote: node.remote)
        guard overruled.contains(node.id) else { return plan }
        switch plan {
        case .merge(.push, let payload): return .merge(placement: .pull, payload: payload)
        case .remove: return .fetch
        default: return plan
        }
    }

    /// The hub cannot take the node's local change: its own state wins, which others may have waited for.
    func overrule(_ id: NodeID) {
        overruled.insert(id)
        dirty.insert(id)
        wake(id)
    }

    /// Whether something is under way with the node, after which it is planned again.
    func isBusy(_ id: NodeID) -> Bool {
        applyingNodes.contains(id) || proposal?.nodes.contains(id) == true
    }

    func consider(_ id: NodeID) throws(StateError) {
        waits.remove(id)
        guard !isBusy(id) else { return }
        guard var node = try replica.node(id) else {
            unstage(id)
            return
        }
        if rules != nil, try leaveOut(node) {
            if let content = node.remote?.state?.payload.content { feedOffers.remove(content) }
            return
        }
        if let local = node.local {
            guard try !waitsForReturn(id) else { return }
            if local.kind == .file {
                let isVerified = local.isTrusted || readRetries[id]?.due != nil
                if local.payload == nil || !isVerified { requestRead(id) }
                if local.payload == nil { return }
            }
        }
        if let due = retries[id]?.due, due > now { return }
        if try recogniseFormerState(&node) { try put(node) }
        try act(on: node)
    }

    private func act(on node: ReplicaNode) throws(StateError) {
        switch plan(node) {
        // What the hub has of it is not known yet.
        case .forget where replica.fork != nil && node.remote == nil: break
        case .forget:
            unstage(node.id)
            overruled.remove(node.id)
            clearTrouble(node.id)
            try put(ReplicaNode(id: node.id))
            wake(node.id)
        case .create where passing[node.id] != nil: pullable.insert(node.id)
        case .create: if try !isKnownToHub(node) { candidates.insert(node.id) }
        case .remove: candidates.insert(node.id)
        case .revive: if !mustWaitForSteps(node) { try revive(node) }
        case .discard:
            unstage(node.id)
            if isDamaged(node) { try takeDamageForEdit(node) } else { pullable.insert(node.id) }
        case .fetch:
            guard let state = node.remote?.state else { return }
            guard try !mayBeHere(node, state) else { return }
            pull(node, state.payload)
        case .merge(.agreed, .agreed): try settle(node)
        case .merge(let placement, let payload):
            switch payload {
            case .pull(let wanted): pull(node, wanted)
            case .conflict: if let state = node.remote?.state { pull(node, state.payload) }
            case .agreed, .push: unstage(node.id)
            }
            if placement == .pull { pullable.insert(node.id) }
            if placement == .push || payload == .push { candidates.insert(node.id) }
        }
    }

    /// Whether what the folder alone has at that place may be the very same: then nothing is fetched before
    /// that is known.
    private func mayBeHere(_ node: ReplicaNode, _ state: NodeState) throws(StateError) -> Bool {
        guard node.base == nil, let id = try replica.localChild(state.placement),
            let twin = try replica.node(id), let local = twin.local, twin.base == nil, twin.remote == nil
        else { return false }
        dirty.insert(id)
        guard case .file(let file) = state.payload, local.kind == .file, local.payload == nil,
            local.fingerprint.sizeBytes == file.sizeBytes
        else { return false }
        waits.insert(node.id, waitingFor: id)
        return true
    }

    private func pull(_ node: ReplicaNode, _ payload: Payload) {
        if case .file(let file) = payload, node.local?.payload?.content != file.content {
            if let staging = stagings[node.id], staging.payload != file { unstage(node.id) }
            if carriedContent(of: node.id, file) == nil {
                stage(node.id, file)
                guard isStaged(node.id, file) || node.local == nil && isUnavailable(node.id) else { return }
            }
        }
        pullable.insert(node.id)
    }

    /// Local and remote are equal: that is what was agreed on now.
    private func settle(_ node: ReplicaNode) throws(StateError) {
        guard let state = node.remote?.state else { return }
        unstage(node.id)
        overruled.remove(node.id)
        if node.local?.isTrusted == true { clearTrouble(node.id) }
        if node.base != state {
            var node = node
            node.base = state
            try put(node)
        }
        if let content = state.payload.content { feedOffers.remove(content) }
        wake(node.id)
    }

    /// Whether a step under way may make something in the directory, so that it must stay what it is.
    func mustWaitForSteps(_ node: ReplicaNode) -> Bool {
        guard applying != nil, node.local?.kind == .directory else { return false }
        waitsForSteps.insert(node.id)
        return true
    }

    /// Gives what is left in the folder of a node that the hub removed an identity of its own.
    func revive(_ node: ReplicaNode) throws(StateError) {
        unstage(node.id)
        overruled.remove(node.id)
        try dropFormerStates(of: node.id)
        let heir = nodeIDs.next(&randomness)
        try adopt(node, as: ReplicaNode(id: heir, origin: node.origin))
        try put(ReplicaNode(id: node.id))
        wake(node.id)
    }

    /// Hands the local state of one node, and the children beneath it, to another.
    func adopt(_ node: ReplicaNode, as heir: ReplicaNode) throws(StateError) {
        for child in try replica.localChildren(of: node.id) {
            guard var childNode = try replica.node(child) else { continue }
            childNode.local?.placement.parent = heir.id
            // Where it was agreed to be is where its directory was: that it has a new identity is no move.
            if childNode.base?.placement.parent == node.id { childNode.base?.placement.parent = heir.id }
            try putAndPlan(childNode)
        }
        if node.local?.kind == .directory { inherit(node.id, heir.id) }
        var former = node
        former.local = nil
        try put(former)
        var heir = heir
        heir.local = node.local
        try putAndPlan(heir)
        if let deadline = missing.removeValue(forKey: node.id) { missing[heir.id] = deadline }
        if let place = passing.removeValue(forKey: node.id) { passing[heir.id] = place }
        clearTrouble(node.id)
        readRetries[node.id] = nil
        if let content = node.local?.payload?.content, content == heir.remote?.state?.payload.content {
            offers.remove(content)
        }
        dirty.insert(node.id)
        wake(node.id)
    }
}
