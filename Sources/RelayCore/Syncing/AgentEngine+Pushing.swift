// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// From local changes to operations.

extension AgentEngine {
    /// Whether the hub can be told of changes now: it is known what the hub has.
    var canPropose: Bool {
        guard isConnected, isFollowing, isConsistent, proposal == nil, haltReason == nil,
            !areRulesUncertain, let cursor = replica.cursor
        else { return false }
        return cursor.revision >= awaitedRevision
    }

    /// Whether a batch that is larger goes out in a moment: many files are being read, and each batch costs a
    /// round trip, two syncs of the hub and a turn, however little is in it.
    private var awaitsReadings: Bool {
        reading.count - largeReads.count >= EngineLimits.manyReadings
            && candidates.count < EngineLimits.fullBatch
            && now < answeredAt + EngineLimits.longestGatheringMilliseconds
    }

    /// Proposes what the hub is to learn.
    func propose() throws(StateError) {
        guard canPropose, !candidates.isEmpty else { return }
        if try mustHoldReverts() { return }
        if try areRulesOnTheirWay() || awaitsReadings { return }
        var writer = ProposalWriter(
            proposal: Proposal(id: BatchID(high: randomness.next(), low: randomness.next())))
        var dropped: [NodeID] = []
        while !writer.isFull, writer.proposal.operations.count < EngineLimits.batchOperations,
            let id = candidates.popFirst()
        {
            let mark = writer.mark
            _ = try write(id, &writer)
            // A passing place without the one that is meant is not worth telling.
            if !writer.homeless.isEmpty {
                writer.takeBack(to: mark)
                dropped.append(id)
            }
        }
        // What another node's operations did not bring along is tried again, alone.
        for id in dropped where !writer.written.contains(id) && waits.blocker(of: id) == nil {
            retryLater(id)
        }
        for id in writer.postponed { candidates.insert(id) }
        guard !writer.proposal.operations.isEmpty else { return }
        for case .change(let id, _, _) in writer.proposal.operations where reverted.contains(id) {
            reverts.note(now)
        }
        proposal = writer.proposal
        try replica.setUnanswered(writer.proposal.unanswered)
        for message in announcements.takeMessages() { effects.append(.send(message)) }
        announcements.use(writer.proposal.offers)
        effects.append(.send(.commit(writer.proposal.batch)))
    }

    /// Writes the node's operations, after those that they build on. False: not now.
    private func write(_ id: NodeID, _ writer: inout ProposalWriter) throws(StateError) -> Bool {
        if writer.written.contains(id) { return true }
        guard !writer.isFull else {
            writer.postponed.append(id)
            return false
        }
        guard writer.visiting.insert(id).inserted else {
            writer.circles += 1
            return false
        }
        defer { writer.visiting.remove(id) }
        guard let node = try replica.node(id), !applyingNodes.contains(id) else { return false }
        if let due = retries[id]?.due, due > now { return false }
        if let local = node.local {
            guard try !waitsForReturn(id), local.payload != nil else { return false }
        }
        switch plan(node) {
        case .create where passing[id] != nil:
            // The folder is to give it a name that can be told.
            pullable.insert(id)
            return false
        case .create: return try writeCreate(node, &writer)
        case .remove: return try writeRemove(node, &writer)
        case .merge(let placement, let payload):
            var isWritten = false
            if placement == .push { isWritten = try writePlace(node, &writer) }
            if payload == .push, placement != .push || isWritten {
                isWritten = writeChange(node, &writer) || isWritten
            }
            return isWritten
        case .forget, .fetch, .discard, .revive:
            dirty.insert(id)
            return false
        }
    }

    private func writeCreate(
        _ node: ReplicaNode, _ writer: inout ProposalWriter
    ) throws(StateError) -> Bool {
        guard let local = node.local, let payload = local.payload,
            try preparePlace(node.id, local.placement, &writer)
        else { return false }
        if writer.vacated.contains(node.id) {
            return append(
                .place(node: node.id, placement: local.placement, basedOn: .ofThisBatch), nil, &writer)
        }
        return append(
            .create(node: node.id, placement: local.placement, payload: payload, origin: node.origin),
            payload, &writer)
    }

    private func writePlace(
        _ node: ReplicaNode, _ writer: inout ProposalWriter
    ) throws(StateError) -> Bool {
        guard let placement = node.local?.placement, let state = node.remote?.state,
            try preparePlace(node.id, placement, &writer)
        else { return false }
        let basedOn = writer.vacated.contains(node.id) ? Revision.ofThisBatch : state.placementRevision
        return append(.place(node: node.id, placement: placement, basedOn: basedOn), nil, &writer)
    }

    private func writeChange(_ node: ReplicaNode, _ writer: inout ProposalWriter) -> Bool {
        guard let payload = node.local?.payload, let state = node.remote?.state else { return false }
        return append(
            .change(node: node.id, payload: payload, basedOn: state.payloadRevision), payload, &writer)
    }

    private func append(
        _ operation: Operation, _ payload: Payload?, _ writer: inout ProposalWriter
    ) -> Bool {
        var offer = payload?.content.flatMap { offers[$0] }
        if let content = offer?.content, announcements.contains(content) { offer?.inline = nil }
        guard writer.proposal.hasRoom(for: operation, offer: offer) else {
            writer.isFull = true
            writer.postponed.append(operation.node)
            return false
        }
        writer.write(operation, offer: offer)
        return true
    }

    /// Sees to it that the place exists and is free on the hub when the operation is decided.
    private func preparePlace(
        _ id: NodeID, _ placement: Placement, _ writer: inout ProposalWriter
    ) throws(StateError) -> Bool {
        let parent = placement.parent
        if parent != .root, try replica.node(parent)?.remote?.state == nil, !writer.written.contains(parent),
            !writer.vacated.contains(parent)
        {
            guard try write(parent, &writer) || writer.vacated.contains(parent) else {
                waits.insert(id, waitingFor: parent)
                dirty.insert(parent)
                return false
            }
        }
        while let above = try leaver(above: parent, beneath: id, writer) {
            guard try write(above, &writer) else {
                waits.insert(id, waitingFor: above)
                dirty.insert(above)
                return false
            }
        }
        guard let occupant = try replica.remoteChild(placement), occupant != id,
            !writer.vacated.contains(occupant)
        else { return true }
        if ignored.contains(occupant) {
            // Whatever failed before, this is what it waits for now.
            problems[id] = nil
            waits.insert(id, waitingFor: occupant)
            return false
        }
        if writer.visiting.contains(occupant), !writer.written.contains(occupant) {
            if try isToBeRemoved(occupant) {
                // It is removed once this node has left it, which gets its place then.
                if try stepAside(id, &writer) { writer.homeless.append(id) }
                return false
            }
            return try stepAside(occupant, &writer)
        }
        let circles = writer.circles
        let isWritten = try write(occupant, &writer)
        if writer.vacated.contains(occupant) { return true }
        if !isWritten, writer.circles > circles {
            guard try isToBeRemoved(occupant) else { return try stepAside(occupant, &writer) }
            // It cannot be removed before this node has left it.
            let mark = writer.mark
            if try stepAside(id, &writer), try write(occupant, &writer) { return true }
            writer.takeBack(to: mark)
        }
        guard isWritten, try isElsewhere(occupant, placement) else {
            waits.insert(id, waitingFor: occupant)
            dirty.insert(occupant)
            return false
        }
        return true
    }

    /// The directory that has to leave the node on the hub before the node can move beneath `parent`; nil
    /// where no circle would be closed.
    private func leaver(
        above parent: NodeID, beneath id: NodeID, _ writer: ProposalWriter
    ) throws(StateError) -> NodeID? {
        var candidate: NodeID?
        var current = parent
        for _ in 0..<RelativePath.limitDepth {
            if current == id { return candidate }
            guard current != .root, !writer.vacated.contains(current), let node = try replica.node(current)
            else { return nil }
            var placement = node.remote?.state?.placement ?? node.local?.placement
            if case .merge(.push, _) = plan(node) {
                if writer.written.contains(current) {
                    placement = node.local?.placement
                } else if candidate == nil {
                    candidate = current
                }
            }
            guard let placement else { return nil }
            current = placement.parent
        }
        return nil
    }

    private func isToBeRemoved(_ id: NodeID) throws(StateError) -> Bool {
        guard let node = try replica.node(id) else { return false }
        return plan(node) == .remove
    }

    /// Whether the node, whose operations were written, leaves this place by them.
    private func isElsewhere(_ id: NodeID, _ placement: Placement) throws(StateError) -> Bool {
        guard let local = try replica.node(id)?.local else { return true }
        return local.placement != placement
    }

    /// Names are exchanged: the hub gets a passing name for one of them, within the same batch.
    ///
    /// The name of a conflict copy, for that is what the node becomes should its own place be refused.
    private func stepAside(_ id: NodeID, _ writer: inout ProposalWriter) throws(StateError) -> Bool {
        guard let node = try replica.node(id), let local = node.local else { return false }
        let name = node.remote?.state?.placement.name ?? local.placement.name
        let passing = Placement(
            parent: .root, name: try conflictName(for: Placement(parent: .root, name: name)))
        // Two of one name in one batch: the second waits for the next.
        guard writer.passingPlaces.insert(passing) else { return false }
        let operation: Operation
        var offer: ContentOffer?
        switch plan(node) {
        case .merge(.push, _):
            guard let state = node.remote?.state else { return false }
            operation = .place(node: id, placement: passing, basedOn: state.placementRevision)
        case .create:
            guard let payload = local.payload else { return false }
            operation = .create(node: id, placement: passing, payload: payload, origin: node.origin)
            offer = payload.content.flatMap { offers[$0] }
        default: return false
        }
        guard writer.proposal.hasRoom(for: operation, offer: offer) else { return false }
        writer.writeVacating(operation, offer: offer)
        return true
    }

    private func writeRemove(
        _ node: ReplicaNode, _ writer: inout ProposalWriter
    ) throws(StateError) -> Bool {
        guard let state = node.remote?.state else { return false }
        for child in try replica.remoteChildren(of: node.id)
        where !writer.written.contains(child) && !writer.vacated.contains(child) {
            guard let childNode = try replica.node(child) else { continue }
            if try isBusyOrGone(childNode) {
                waits.insert(node.id, waitingFor: child)
                return false
            }
            var isLeaving = false
            switch plan(childNode) {
            case .remove, .merge(.push, _): isLeaving = true
            default: break
            }
            if isLeaving, try write(child, &writer) || writer.vacated.contains(child) { continue }
            guard isLeaving, !overruled.contains(child) else {
                // The hub has something beneath it that the remover never saw: the directory comes back.
                overrule(node.id)
                return false
            }
            waits.insert(node.id, waitingFor: child)
            dirty.insert(child)
            return false
        }
        let removal = Operation.remove(
            node: node.id, placementBasedOn: state.placementRevision, payloadBasedOn: state.payloadRevision)
        guard append(removal, nil, &writer) else { return false }
        for id in writer.homeless {
            if try write(id, &writer) { writer.homeless.removeAll { $0 == id } }
        }
        return true
    }

    private func isBusyOrGone(_ node: ReplicaNode) throws(StateError) -> Bool {
        guard let local = node.local else { return applyingNodes.contains(node.id) }
        if local.payload == nil || local.placement.parent == .limbo { return true }
        if applyingNodes.contains(node.id) { return true }
        return try isGone(node.id)
    }
}
