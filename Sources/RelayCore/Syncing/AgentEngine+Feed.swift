// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// From the hub's messages to the remote tree.

extension AgentEngine {
    func take(_ message: HubMessage) throws(StateError) {
        switch message {
        case .welcome(let welcome): try take(welcome)
        case .changes(let page): try take(page)
        case .committed(let id, let answers, let decidedAt): try take(id, answers, decidedAt)
        case .ping, .pong, .trouble, .audited, .goodbye: break
        }
    }

    private func take(_ welcome: Welcome) throws(StateError) {
        announcements.isOffered = welcome.keepsOffers
        // A batch that was sent since is none of those that the hub was asked about.
        if !welcome.answers, proposal?.id == askedBatch { _ = try takeBackProposal() }
        guard !welcome.resumes else {
            isReconciling = false
            return
        }
        isReconciling = true
        isConsistent = false
        guard replica.cursor != nil else { return }
        try forgetHub(after: welcome.common)
    }

    private func take(_ page: ChangePage) throws(StateError) {
        for record in page.records { try forgetOffer(supersededBy: record) }
        for offer in page.offers { feedOffers.insert(offer) }
        for record in page.records { try take(record) }
        try replica.setCursor(page.through)
        successors.forget(through: page.through.revision)
        let wasFollowing = isFollowing
        isFollowing = page.reachesHead
        guard page.reachesHead else { return }
        isReconciling = false
        isConsistent = true
        try concludeFork()
        guard !wasFollowing else { return }
        for id in unsettled.sorted() { dirty.insert(id) }
    }

    /// Of a state that is no more, nobody needs the content.
    private func forgetOffer(supersededBy record: NodeRecord) throws(StateError) {
        guard feedOffers.bytes > 0, let former = try replica.node(record.node)?.remote?.state,
            let content = former.payload.content, content != record.state?.payload.content
        else { return }
        feedOffers.remove(content)
    }

    private func take(_ record: NodeRecord) throws(StateError) {
        var node = try replica.node(record.node) ?? ReplicaNode(id: record.node)
        // An own change of the same revision tells of one facet; the record also of what others did before.
        if let remote = node.remote, remote.revision > record.revision { return }
        guard record.state != nil || node.local != nil || node.base != nil || node.remote != nil else {
            return
        }
        if record.state == nil, SeededBug.skipsRemovals.isMade { return }
        try rememberFormerState(of: node)
        if node.remote == nil, let fork = replica.fork { try rebase(&node, onto: record, after: fork) }
        node.remote = record.state.map { .live($0) } ?? .removed(record.revision)
        if let device, record.device == device { try recogniseOwnChange(record, in: &node) }
        if node.local != nil, try outlives(record, node) { node.base = nil }
        if record.state == nil {
            successors.accepted(record.node, at: record.revision)
        } else if plan(node) != .remove {
            // What others changed meanwhile is not removed.
            successors.refused(record.node)
        }
        retries[record.node] = nil
        try putAndPlan(node)
    }

    /// Whether what the folder has of the node took another one's place, and stays for that.
    private func outlives(_ record: NodeRecord, _ node: ReplicaNode) throws(StateError) -> Bool {
        if let state = record.state {
            // What is agreed on, as a change of this agent's own, is no loss.
            guard state.payload.content != node.local?.payload?.content,
                state.payloadRevision != node.base?.payloadRevision
            else { return false }
        }
        let revision = record.state?.payloadRevision ?? record.revision
        return try successors.outlives(record.node, lossAt: revision) { id throws(StateError) in
            guard let predecessor = try replica.node(id) else { return false }
            return predecessor.local == nil && plan(predecessor) == .remove
        }
    }

    /// A change of this agent's own that is news to it, as after a power loss: the folder held it when it was
    /// proposed, so what differs there now came later.
    private func recogniseOwnChange(_ record: NodeRecord, in node: inout ReplicaNode) throws(StateError) {
        guard let state = record.state, var base = node.base else {
            // Nothing stood there when the removal was proposed: what does now is something new, unless it is
            // the very file, as on a disk that was set back to an older state.
            if record.state == nil, node.local == nil || replaced.contains(node.id) { node.base = nil }
            return
        }
        if losses != nil, node.local == nil, state.payloadRevision == record.revision,
            base.payloadRevision != record.revision
        {
            // It stood there after the removal that this agent knows of, and may have been lost since.
            node.base = nil
            return
        }
        if state.payloadRevision == record.revision, base.payloadRevision != record.revision,
            node.local?.payload != base.payload
        {
            base.payload = state.payload
            base.payloadRevision = state.payloadRevision
            losses?.ownNews.insert(node.id)
        }
        if state.placementRevision == record.revision, base.placementRevision != record.revision,
            node.local?.placement != base.placement
        {
            base.placement = state.placement
            base.placementRevision = state.placementRevision
        }
        node.base = base
        try judgeLoss(&node)
    }

    private func take(
        _ id: BatchID, _ answers: [OperationAnswer], _ decidedAt: Landmark
    ) throws(StateError) {
        guard proposal?.id == id, let answered = try takeBackProposal() else { return }
        try replica.addLandmark(decidedAt)
        awaitedRevision = max(awaitedRevision, decidedAt.revision)
        for (operation, answer) in zip(answered.operations, answers) {
            if losses?.unanswered == id { losses?.ownNews.insert(operation.node) }
            try take(operation, answer)
        }
    }

    /// Waits no more for an answer to what was sent; its nodes are planned anew.
    private func takeBackProposal() throws(StateError) -> Proposal? {
        guard let former = proposal else { return nil }
        proposal = nil
        answeredAt = now
        try replica.setUnanswered(nil)
        for id in former.nodes.sorted() {
            dirty.insert(id)
            wake(id)
        }
        return former
    }

    private func take(_ operation: Operation, _ answer: OperationAnswer) throws(StateError) {
        let id = operation.node
        if case .remove = operation {
            if case .accepted(let revision) = answer {
                successors.accepted(id, at: revision)
            } else {
                successors.refused(id)
            }
        }
        switch answer {
        case .accepted(let revision):
            clearTrouble(id)
            try accepted(operation, revision)
        case .cycle: overrule(id)
        case .refused(let reason): retryLater(id, reason: Reason(.refused, reason), from: 10_000)
        case .stale, .nameTaken, .parentGone, .nodeGone, .notEmpty: retryLater(id)
        }
    }

    /// The agent's own change is part of the remote tree now, and agreed on; the feed does not repeat it.
    ///
    /// What the folder held when the change was proposed is the base, whatever became of it since: also of a
    /// node that is gone again, and which nothing else remembers.
    private func accepted(_ operation: Operation, _ revision: Revision) throws(StateError) {
        var node = try replica.node(operation.node) ?? ReplicaNode(id: operation.node)
        if let remote = node.remote, remote.revision >= revision { return }
        switch operation {
        case .create(_, let placement, let payload, _):
            let state = NodeState(
                placement: placement, placementRevision: revision, payload: payload, payloadRevision: revision
            )
            node.remote = .live(state)
            node.base = state
            node.origin = nil
            if let content = payload.content { offers.remove(content) }
        case .place(_, let placement, _):
            guard var state = node.remote?.state else { return }
            state.placement = placement
            state.placementRevision = revision
            node.remote = .live(state)
            node.base?.placement = placement
            node.base?.placementRevision = revision
        case .change(_, let payload, _):
            guard var state = node.remote?.state else { return }
            state.payload = payload
            state.payloadRevision = revision
            node.remote = .live(state)
            node.base?.payload =
                SeededBug.agreesToLaterEdits.isMade ? node.local?.payload ?? payload : payload
            node.base?.payloadRevision = revision
            if let content = payload.content { offers.remove(content) }
        case .remove:
            node.remote = .removed(revision)
            node.base = nil
        }
        if losses?.ownNews.contains(node.id) == true {
            if node.local == nil { node.base = nil } else { try judgeLoss(&node) }
        }
        try put(node)
    }

    /// Somebody wants a node gone that the folder does not have (yet): as if it had been here and removed.
    func removeRemote(_ path: RelativePath) throws(StateError) {
        var target = NodeID.root
        for name in path.components {
            guard let child = try replica.remoteChild(Placement(parent: target, name: name)) else { return }
            target = child
        }
        guard target != .root else { return }
        var stack = [target]
        while let id = stack.popLast() {
            stack.append(contentsOf: try replica.remoteChildren(of: id))
            guard var node = try replica.node(id), node.local == nil, let state = node.remote?.state else {
                continue
            }
            node.base = state
            if ignored.contains(id) { renounced.insert(id) }
            try putAndPlan(node)
        }
    }

    /// Tells the hub how far the folder has durably followed.
    func reportApplied() {
        guard isFollowing, unsettled.isEmpty, let cursor = replica.cursor,
            cursor.revision > reportedRevision
        else { return }
        // What came with changes that are all taken in is of no use any more.
        feedOffers.removeAll()
        reportedRevision = cursor.revision
        effects.append(.send(.applied(cursor.revision)))
    }
}

extension RemoteState {
    /// The revision that last changed the node.
    var revision: Revision {
        switch self {
        case .live(let state): max(state.placementRevision, state.payloadRevision)
        case .removed(let revision): revision
        }
    }
}
