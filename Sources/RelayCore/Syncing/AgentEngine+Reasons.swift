// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// Why a node is not in sync: what fails, what is under way, what is waited for. A node of which none of these
// can be said is stuck, and the tests see to it that there is none.

extension AgentEngine {
    /// Up to `limit` nodes that are not in sync, cannot be looked at or are damaged, each with the reason. If
    /// the folder is not in sync though all known nodes are, the root stands for it.
    package func problems(limit: Int) throws(StateError) -> [UnsyncedPath] {
        var result: [UnsyncedPath] = []
        for id in unsettled.sorted().prefix(limit) {
            // Where nothing leads to it at present, its name has to do.
            let path = try shownPath(id)
            result.append(UnsyncedPath(path: path, reason: try reason(id), wanted: stagings[id]?.payload))
        }
        if let trouble = rulesFile.trouble {
            result.append(UnsyncedPath(path: RulesFile.path, reason: trouble))
        }
        if rootScanDue != nil { result.append(UnsyncedPath(path: .root, reason: try reason(.root))) }
        for placement in rescans.keys.sorted() where result.count < limit {
            guard let id = try replica.localChild(placement) else {
                if let reason = unseen[placement], let path = try localPath(placement) {
                    result.append(UnsyncedPath(path: path, reason: reason))
                }
                continue
            }
            guard !unsettled.contains(id), problems[id] != nil, let path = try anyPath(id) else { continue }
            result.append(UnsyncedPath(path: path, reason: try reason(id)))
        }
        for placement in writing.keys.sorted() where result.count < limit {
            guard let path = try localPath(placement) else { continue }
            if let id = try replica.localChild(placement), unsettled.contains(id) { continue }
            result.append(UnsyncedPath(path: path, reason: Self.beingWritten))
        }
        for id in damaged.keys.sorted() where result.count < limit && !unsettled.contains(id) {
            guard let node = try replica.node(id), isDamaged(node), let path = try anyPath(id) else {
                continue
            }
            result.append(UnsyncedPath(path: path, reason: Self.damage))
        }
        if result.isEmpty, let reason = folderReason {
            result.append(UnsyncedPath(path: .root, reason: reason))
        }
        return result
    }

    /// Why a node is not in sync.
    package func reason(_ id: NodeID) throws(StateError) -> Reason {
        var current = id
        var waiting: [NodeID] = []
        while true {
            if let reason = try ownReason(current) {
                guard let blocker = waiting.last else { return reason }
                let path = try shownPath(blocker)
                return Reason(reason.hindrance, "waits for \(path): \(reason.text)", devices: reason.devices)
            }
            // Who waits for nobody, or in a circle, waits in vain.
            guard let next = waits.blocker(of: current), !waiting.contains(next) else {
                return Reason(.stuck, "nothing is under way for it: relay-ctl verify plans it anew")
            }
            waiting.append(next)
            current = next
        }
    }

    /// The reason apart from the node that is waited for; nil if there is no other.
    private func ownReason(_ id: NodeID) throws(StateError) -> Reason? {
        if let haltReason { return Reason(.held, "halted: \(haltReason)") }
        if ignored.contains(id) {
            return Reason(.ignored, "\(EntryName.relayIgnore) leaves it out of this folder")
        }
        if let problem = problems[id] { return problem }
        if let reason = try folderSide(id) { return reason }
        if let reason = transferSide(id) { return reason }
        if applyingNodes.contains(id) { return Reason(.applying, "being applied") }
        if !isConnected { return Reason(.offline, "not connected to the hub") }
        if proposal?.nodes.contains(id) == true { return Reason(.committing, "being committed") }
        if let retry = retries[id], retry.due != nil {
            let times = retry.attempts == 1 ? "once" : "\(retry.attempts) times"
            return Reason(
                .conflict,
                "it changed on both sides at once, or another entry has its name: tried \(times), and again"
                    + " in a moment")
        }
        if let reason = catchingUp { return reason }
        if dirty.contains(id) || pullable.contains(id) || candidates.contains(id)
            || waitsForSteps.contains(id)
        {
            return Reason(.queued, "in the queue")
        }
        return try unseenAbove(id)
    }

    /// That a directory above the node could not be looked at, and is looked at again later.
    private func unseenAbove(_ id: NodeID) throws(StateError) -> Reason? {
        var current = id
        for _ in 0..<RelativePath.limitDepth {
            guard let placement = try replica.node(current)?.local?.placement else { return nil }
            if let reason = unseen[placement] {
                return Reason(reason.hindrance, "a directory above it cannot be looked at: \(reason.text)")
            }
            if rescans[placement] != nil {
                return Reason(.settling, "a directory above it is looked at again in a moment")
            }
            current = placement.parent
        }
        return nil
    }

    /// What is going on with the node's entry in the folder.
    private func folderSide(_ id: NodeID) throws(StateError) -> Reason? {
        if reading[id] != nil || readQueue.contains(id) || largeReadQueue.contains(id) {
            return Reason(.reading, "being read")
        }
        if missing[id] != nil { return Reason(.settling, "vanished a moment ago") }
        if let vanished = try vanished(at: id), try replica.node(id)?.local != nil, vanished != id {
            return Reason(.settling, "a directory above it vanished a moment ago")
        }
        if let node = try replica.node(id) {
            if isDamaged(node) { return Self.damage }
            if let placement = node.local?.placement {
                if writing[placement] != nil { return Self.beingWritten }
                if rescans[placement] != nil { return Reason(.settling, "it is looked at again in a moment") }
            }
        }
        if readRetries[id]?.due != nil {
            return Reason(.reading, "it was written a moment ago, and is read once more")
        }
        return nil
    }

    /// What is going on with the content that the node is to get.
    private func transferSide(_ id: NodeID) -> Reason? {
        switch stagings[id]?.progress {
        case .waiting(let devices)?: .only(on: devices)
        case .requested?: Reason(.transferring, "being fetched")
        case .failed(let problem)?: Reason(problem)
        case .queued? where isConnected && isConsistent: Reason(.queued, "waits for its turn to be fetched")
        case .queued?, .ready?, nil: nil
        }
    }

    /// Why nothing is decided at present; nil if things are.
    private var catchingUp: Reason? {
        if !rulesFile.isKnown || rulesFile.isNew {
            return Reason(.scanning, "the folder is looked through by the rules of \(EntryName.relayIgnore)")
        }
        if isGreetingDue || !isScanned { return Reason(.scanning, "the folder is being looked through") }
        if !isFollowing || !isConsistent {
            return Reason(.receiving, "the hub's changes are still coming in")
        }
        if scanning != nil || !scans.isEmpty { return Reason(.scanning, "changes are being looked at") }
        if mayHoldUnrecorded || losses != nil {
            return Reason(.scanning, "the folder is not looked through yet")
        }
        return nil
    }

    /// Why the folder is not in sync although all nodes are; nil if it is, or if its own state says why.
    private var folderReason: Reason? {
        guard isConnected, haltReason == nil, !state.isInSync else { return nil }
        if let reason = catchingUp { return reason }
        if rulesFile.isBeingRead || rulesFile.due != nil {
            return Reason(.scanning, "the rules of \(EntryName.relayIgnore) are being read")
        }
        if !missing.isEmpty { return Reason(.settling, "something vanished a moment ago") }
        if !rescans.isEmpty { return Reason(.settling, "something is looked at again in a moment") }
        if !writing.isEmpty { return Self.beingWritten }
        if !reading.isEmpty || !readQueue.isEmpty || !largeReadQueue.isEmpty {
            return Reason(.reading, "files are being read")
        }
        if applying != nil { return Reason(.applying, "the folder is being changed") }
        if proposal != nil { return Reason(.committing, "changes are being committed") }
        return Reason(.queued, "changes are being planned")
    }

    private func shownPath(_ id: NodeID) throws(StateError) -> RelativePath {
        if let path = try anyPath(id) { return path }
        guard let node = try replica.node(id) else { return .root }
        let placement = node.remote?.state?.placement ?? node.base?.placement ?? node.local?.placement
        return RelativePath(placement.map { [$0.name] } ?? [])
    }

    static var beingWritten: Reason { Reason(.busy, "it is being written") }

    private static var damage: Reason {
        Reason(
            .damaged,
            "its bytes changed while its size and times stayed: relay-ctl verify says what can be done")
    }
}
