// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// Removals and reverts of a large part of the folder are held until somebody says that they are meant.
//
// What is counted is a share of what was known a minute ago, so that neither a removal in several steps nor
// one that spares an entry passes unseen, and what is removed and made again, as by a build, is none.

extension AgentEngine {
    /// Whether what vanished may be taken for removed now.
    func mayRemove() throws(StateError) -> Bool {
        guard !isHoldConfirmed else { return true }
        if try isRootEmptied() {
            try hold(.emptied)
            return false
        }
        let before = removals.total(now)
        let made = young.count(now)
        let known = knownCount - made + before
        let removed = try countVanished() + before - made
        // Who removes many is seldom done yet: all of it is judged together.
        if removed >= EngineLimits.manyRemovals
            || removed >= EngineLimits.heldRemovals && removed * 4 > known
        {
            removalsWaitSince = removalsWaitSince ?? now
            if let removalsDue, removalsDue > now { return false }
        }
        removalsWaitSince = nil
        guard removed >= EngineLimits.heldRemovals,
            removed * 2 > known || removed > EngineLimits.limitRemovals
        else { return true }
        try hold(.removals)
        return false
    }

    /// How many nodes are known, apart from those that are left out of the folder.
    private var knownCount: Int { replica.nodeCount - ignored.count }

    /// When removals that wait for others are to be looked at again: where names vanish one after the other,
    /// however slowly, it may be the beginning of many.
    var removalsDue: Instant? {
        guard let since = removalsWaitSince else {
            guard missing.count > 1 else { return nil }
            return min(
                lastVanishing + EngineLimits.settleMilliseconds,
                vanishingSince + EngineLimits.longestVanishingMilliseconds)
        }
        return min(
            lastVanishing + EngineLimits.removalQuietMilliseconds,
            since + EngineLimits.longestRemovalMilliseconds)
    }

    /// How many nodes that the hub has vanished, with all that was beneath them.
    private func countVanished() throws(StateError) -> Int {
        var count = 0
        var stack = Array(missing.keys)
        var seen: Set<NodeID> = []
        while let id = stack.popLast() {
            guard seen.insert(id).inserted, let node = try replica.node(id) else { continue }
            if node.base != nil, !young.contains(id) { count += 1 }
            if node.local?.kind == .directory {
                stack.append(contentsOf: try replica.localChildren(of: id))
            }
        }
        return count
    }

    /// Whether all of at least two entries of the root vanished.
    private func isRootEmptied() throws(StateError) -> Bool {
        var known = 0
        for id in try replica.localChildren(of: .root) {
            guard missing[id] != nil else { return false }
            if try replica.node(id)?.base != nil { known += 1 }
        }
        return known >= 2
    }

    /// Remembers of a file whose content was replaced whether it is older now than what was agreed on.
    func noteAge(of node: ReplicaNode, _ found: Fingerprint) {
        guard case .file(let agreed)? = node.base?.payload, found.modified < agreed.modified else {
            reverted.remove(node.id)
            return
        }
        reverted.insert(node.id)
    }

    /// Whether the hub is to be told nothing now, since it may be too much that was replaced by older files.
    func mustHoldReverts() throws(StateError) -> Bool {
        guard !reverted.isEmpty, !isHoldConfirmed else { return false }
        guard isScanned else { return true }
        let before = reverts.total(now)
        guard reverted.count + before >= EngineLimits.heldReverts else { return false }
        var count = before
        for id in reverted.sorted() {
            guard let node = try replica.node(id), let local = node.local else { continue }
            // Nobody knows yet whether it holds something else.
            guard let payload = local.payload else { return true }
            if node.base?.payload.content != payload.content { count += 1 }
        }
        guard count >= EngineLimits.heldReverts, count * 10 > knownCount * 3 else { return false }
        try hold(.reverts)
        return true
    }

    private func hold(_ reason: Hold) throws(StateError) {
        try replica.setHold(reason)
        halt(reason.text)
    }

    private func release() throws(StateError) {
        try replica.setHold(nil)
        removals.reset()
        reverts.reset()
        removalsWaitSince = nil
        resume()
    }

    /// Goes on after a hold once all that was there before is there again: who brings back one after the
    /// other has not removed the rest.
    func checkWhetherAllReturned() throws(StateError) {
        guard isScanned, scans.isEmpty, scanning == nil else { return }
        if isHoldConfirmed, missing.isEmpty, reverted.isEmpty {
            isHoldConfirmed = false
            removals.reset()
            reverts.reset()
        }
        guard let hold = replica.hold else { return }
        switch hold {
        case .emptied, .removals:
            for id in missing.keys where try replica.node(id)?.base != nil { return }
        case .reverts: guard reverted.isEmpty else { return }
        }
        try release()
    }

    /// Whether a directory that vanished, for which the folder is held, was made anew to bring it back.
    func isReturning(_ directory: NodeID, as found: FoundEntry) throws(StateError) -> Bool {
        guard replica.hold != nil, missing[directory] != nil, applying == nil else { return false }
        return try replica.localNodes(identity: found.fingerprint.identity).isEmpty
    }

    func confirmHold() throws(StateError) {
        isHoldConfirmed = true
        try release()
    }

    /// What vanished comes back, and what was replaced by older files is replaced by the share's.
    func rejectHold() throws(StateError) {
        guard replica.hold != nil else { return }
        for id in missing.keys.sorted() where missing[id] != nil { try concludeRemoval(of: id) }
        for id in unsettled.sorted() {
            guard var node = try replica.node(id), node.base != nil, node.remote?.state != nil else {
                continue
            }
            if node.local == nil {
                node.base = nil
            } else if reverted.contains(id) {
                if let payload = node.local?.payload { node.base?.payload = payload }
                // Of a file that was not read yet nobody knows what it is: it becomes a conflict copy.
                node.base?.payloadRevision = .zero
            } else {
                continue
            }
            try putAndPlan(node)
        }
        reverted = []
        try release()
    }
}
