// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// What a power cut leaves of files that were written shortly before: they are empty, hold something older, or
// are not there at all, and their times do not tell. Nobody made that; the share has what was there.

/// What the folder may have lost, while that is being found out.
struct LossCheck {
    /// When the latest change that the agent knew of was made. What is not younger is no later edit.
    var lastSeen: Timestamp
    /// When the check began: what was emptied since then, somebody emptied.
    var began: Timestamp
    /// A batch that an earlier run sent.
    var unanswered: BatchID?
    /// What was seen of entries that changed so late that it may never have reached the disk.
    var recent: [NodeID: LocalState] = [:]
    /// Files whose latest change was this agent's own, which it no longer knew of.
    var ownNews: Set<NodeID> = []
}

extension AgentEngine {
    /// Has all files read again that changed shortly before the end.
    func beginLossCheck() throws(StateError) {
        var check = LossCheck(lastSeen: .zero, began: wallClock, unanswered: replica.unanswered?.id)
        try forEachLocal { (_, local) throws(StateError) in
            // A clock that was wrong says nothing of when the end was.
            let changed = local.fingerprint.changed
            if changed <= wallClock, changed > check.lastSeen { check.lastSeen = changed }
        }
        let bound = check.lastSeen.seconds - EngineLimits.unwrittenSeconds
        var recent: [NodeID: LocalState] = [:]
        try forEachLocal { (id, local) throws(StateError) in
            if local.fingerprint.changed.seconds >= bound { recent[id] = local }
        }
        for id in recent.keys.sorted() {
            guard recent[id]?.kind == .file, recent[id]?.isTrusted == true, var node = try replica.node(id)
            else {
                continue
            }
            node.local?.isTrusted = false
            try putAndPlan(node)
        }
        check.recent = recent
        losses = check
    }

    private func forEachLocal(
        _ body: (NodeID, LocalState) throws(StateError) -> Void
    ) throws(StateError) {
        var after: NodeID?
        while true {
            let page = try replica.nodes(after: after, limit: 1000)
            for id in page { if let local = try replica.node(id)?.local { try body(id, local) } }
            guard page.count == 1000, let last = page.last else { return }
            after = last
        }
    }

    /// Ends the check once the folder was looked through and it is known what became of the last changes.
    func concludeLossCheck() throws(StateError) {
        guard losses != nil, isFollowing, isConsistent, try isLookedThrough() else { return }
        losses = nil
        effects.append(.checkedLosses)
    }

    /// If what a file holds is what a power cut left of it, that is no edit: the share's content comes back,
    /// and what is left, if it is anything, becomes a conflict copy.
    func judgeLoss(_ node: inout ReplicaNode) throws(StateError) {
        if SeededBug.takesLossesForEdits.isMade { return }
        guard let losses, case .file(let agreed)? = node.base?.payload, let local = node.local,
            case .file(let found)? = local.payload, found.content != agreed.content
        else { return }
        // Of its two times either may have been set since.
        let time = min(found.modified, local.fingerprint.changed)
        if found.sizeBytes == 0, time <= losses.began {
            node.base?.payload = .file(found)
            node.base?.payloadRevision = .zero
            return
        }
        let isKnownEdit = found.content == losses.recent[node.id]?.payload?.content
        // What was written shortly before may be back at an older state, and a later time says nothing then.
        let end = losses.recent[node.id] == nil ? losses.lastSeen : max(losses.lastSeen, losses.began)
        if losses.ownNews.contains(node.id) || time <= end && !isKnownEdit {
            node.base = nil
        } else if !isKnownEdit, let other = try replica.remoteNode(content: found.content), other != node.id {
            // This agent may have placed it there for another node, and not know of that any more.
            node.base = nil
        }
    }

    /// If a file that the share does not know yet lost what it held, and that had been renamed to it from a
    /// file that the share knows, that one comes back where it was: the hub has what the disk lost.
    func judgeLossBeforeSharing(_ node: ReplicaNode) throws(StateError) {
        guard !SeededBug.takesLossesForEdits.isMade, let losses, node.base == nil, let local = node.local,
            case .file(let found)? = local.payload, found.sizeBytes == 0,
            min(found.modified, local.fingerprint.changed) <= losses.began,
            let former = losses.recent[node.id]?.payload?.content, former != found.content,
            let other = try replica.remoteNode(content: former), other != node.id,
            var source = try replica.node(other), source.local == nil, source.base != nil
        else { return }
        source.base = nil
        try putAndPlan(source)
    }

    /// If a move was undone by a power cut, nobody moved the node back.
    func judgeMove(_ node: inout ReplicaNode, _ found: Fingerprint) {
        guard let losses, losses.recent[node.id] != nil, found.changed <= losses.lastSeen else { return }
        node.base?.placementRevision = .zero
    }
}
