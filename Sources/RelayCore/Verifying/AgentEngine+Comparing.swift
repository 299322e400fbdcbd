// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// What the agent's index has, held against the hub's index and against itself. Nothing is changed by it.

extension AgentEngine {
    /// Whether the remote tree is what the hub had at the cursor's revision.
    package var canCompareWithHub: Bool {
        isConnected && isFollowing && isConsistent && !isReconciling && replica.cursor != nil
    }

    /// Whether the engine looks at the folder, so that what it does not know yet may be known in a moment.
    package var isObserving: Bool {
        !scans.isEmpty || scanning != nil || applying != nil || !writing.isEmpty || !missing.isEmpty
            || !reading.isEmpty || !readQueue.isEmpty || !dirty.isEmpty || areRulesUncertain
    }

    /// How the hub's latest record of a node differs from what the agent took in; nil if it does not, or if
    /// one of the two is ahead of the other.
    package func difference(from record: NodeRecord) throws(StateError) -> Difference? {
        guard canCompareWithHub, let cursor = replica.cursor, record.revision <= cursor.revision,
            record.node != .root
        else { return nil }
        let node = try replica.node(record.node)
        switch (node?.remote, record.state) {
        case (nil, nil), (.removed?, nil): return nil
        case (nil, .some(let state)):
            return Difference(
                .unknownHere, at: try path(of: state), "revision \(record.revision) was never taken in",
                repair: .take(record))
        case (.some(let remote), _) where remote.revision > record.revision: return nil
        case (.live(let remote)?, nil):
            return Difference(
                .differsFromHub, at: try path(of: remote),
                "the hub removed it with revision \(record.revision)",
                repair: .take(record))
        case (.removed(let revision)?, .some(let state)):
            return Difference(
                .differsFromHub, at: try path(of: state),
                "the hub has it since revision \(record.revision), here it is removed since \(revision)",
                repair: .take(record))
        case (.live(let remote)?, .some(let state)):
            guard remote != state else { return nil }
            return Difference(
                .differsFromHub, at: try path(of: state),
                "the hub has \(try text(of: state, against: remote))",
                repair: .take(record))
        }
    }

    /// What is wrong with a node that the hub's whole index, up to `head`, did not name; nil if nothing is.
    package func differenceOfUnnamed(_ id: NodeID, head: Revision) throws(StateError) -> Difference? {
        guard canCompareWithHub, let remote = try replica.node(id)?.remote, let state = remote.state,
            remote.revision <= head
        else { return nil }
        return Difference(
            .missingOnHub, at: try path(of: state), "here it is of revision \(remote.revision)",
            repair: .offer(id))
    }

    /// The revision after which the hub's index must have the node; nil if the agent has it not from the hub.
    package func revision(of id: NodeID) throws(StateError) -> Revision? {
        guard let remote = try replica.node(id)?.remote, remote.state != nil else { return nil }
        return remote.revision
    }

    /// What does not fit together in a node's own record; nil if all does.
    package func flaw(in id: NodeID) throws(StateError) -> Difference? {
        guard let node = try replica.node(id), !isBusy(id), missing[id] == nil else { return nil }
        let path = try anyPath(id) ?? node.namedPath
        if let local = node.local, local.placement.parent != .limbo {
            guard try hasWay(to: local.placement.parent) else {
                return Difference(
                    .damagedRecord, at: path, "the index lacks a directory above it", repair: .observe(id))
            }
            guard try replica.localChild(local.placement) == id else {
                return Difference(
                    .damagedRecord, at: path, "the index has two entries of this name", repair: .observe(id))
            }
        }
        if !node.isInSync, !node.isEmpty, !unsettled.contains(id), !ignored.contains(id) {
            return Difference(
                .damagedRecord, at: path, "it was in sync, and is not any more: \(try mismatch(in: node))",
                repair: .observe(id))
        }
        return try hang(of: id)
    }

    /// Up to `limit` nodes that are stuck, of as many that are not in sync.
    package func hangs(limit: Int) throws(StateError) -> [Difference] {
        var result: [Difference] = []
        for id in unsettled.prefix(limit) {
            if let hang = try hang(of: id) { result.append(hang) }
        }
        return result
    }

    private func hang(of id: NodeID) throws(StateError) -> Difference? {
        guard unsettled.contains(id), try reason(id).hindrance == .stuck else { return nil }
        return Difference(
            .forgotten, at: try anyPath(id) ?? .root, "nothing is under way for it, and it waits for nothing",
            repair: .plan(id))
    }

    /// Whether the local tree leads to this directory, or did a moment ago.
    private func hasWay(to directory: NodeID) throws(StateError) -> Bool {
        var current = directory
        for _ in 0...RelativePath.limitDepth {
            if current == .root || current == .limbo { return true }
            guard let local = try replica.node(current)?.local, local.kind == .directory else { return false }
            current = local.placement.parent
        }
        return false
    }

    private func mismatch(in node: ReplicaNode) throws(StateError) -> String {
        guard let local = node.local else { return "the folder's part is missing" }
        guard let state = node.remote?.state else { return "the hub's part is missing" }
        guard let base = node.base else { return "what was agreed on is missing" }
        var texts: [String] = []
        if local.placement != state.placement { texts.append("it is in another place on the hub") }
        if let payload = local.payload { texts += payload.differences(from: state.payload) }
        if texts.isEmpty, base != state { texts.append("what was agreed on is not what the hub has") }
        return texts.isEmpty ? "its content is not known" : texts.joined(separator: ", ")
    }

    /// The hub's state in words, as far as it is not what is known here.
    private func text(of state: NodeState, against known: NodeState) throws(StateError) -> String {
        var texts = state.payload.differences(from: known.payload)
        if state.placement != known.placement {
            texts.append("it at \(try path(of: state)) instead of \(try path(of: known))")
        }
        if texts.isEmpty {
            texts.append(
                "it of the revisions \(state.placementRevision) and \(state.payloadRevision) instead of "
                    + "\(known.placementRevision) and \(known.payloadRevision)")
        }
        return texts.joined(separator: ", ")
    }

    /// Where a state puts its node, by the remote tree; the name alone where that does not lead to it.
    private func path(of state: NodeState) throws(StateError) -> RelativePath {
        var names = [state.placement.name]
        var current = state.placement.parent
        while current != .root {
            guard let placement = try replica.node(current)?.remote?.state?.placement,
                names.count < RelativePath.limitDepth
            else { break }
            names.append(placement.name)
            current = placement.parent
        }
        return RelativePath(names.reversed())
    }
}

extension ReplicaNode {
    /// The node's name as a path, where nothing leads to it.
    fileprivate var namedPath: RelativePath {
        let name = local?.placement.name ?? remote?.state?.placement.name ?? base?.placement.name
        return RelativePath(name.map { [$0] } ?? [])
    }
}
