// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// From the outcomes of steps to the local tree and the base.

extension AgentEngine {
    func applied(_ results: [ApplyResult]) throws(StateError) {
        guard let planned = applying else { return }
        applying = nil
        applyingNodes = []
        defer { areStepsOutdated = false }
        for (step, result) in zip(planned, results) {
            try applied(step, result.outcome)
            try dropFormerStates(of: step.node)
            dirty.insert(step.node)
            // What the rules leave out waits for the end of what is under way with it.
            if rules != nil { wake(step.node) }
            if step.action.step.changesRules { rulesFile.due = now }
            if case .fetch(_, let displaced?) = step.purpose { dirty.insert(displaced) }
        }
        for id in waitsForSteps.popAll() { dirty.insert(id) }
    }

    private func applied(_ step: PlannedApply, _ outcome: ApplyOutcome) throws(StateError) {
        if case .evade(_, isLocalChange: false) = step.purpose, !outcome.isDone { passing[step.node] = nil }
        switch outcome {
        case .done(let fingerprint): try done(step, fingerprint, kept: nil)
        case .movedUnwritten(let fingerprint): try done(step, fingerprint, kept: nil, isUnwritten: true)
        case .doneKeeping(let fingerprint, let name, let keptFingerprint):
            try done(step, fingerprint, kept: (name, keptFingerprint))
        case .occupied:
            noteTakenName(of: step)
            try lookAgain(after: step)
        case .changed, .absent: try lookAgain(after: step)
        case .notEmpty:
            scanDeeply(step.node)
            let isKnown = problems[step.node]?.hindrance == .obstructed
            retryLater(step.node, reason: isKnown ? nil : Self.holdsUnshared)
        case .unstaged:
            unstage(step.node)
            stageCarried(by: step)
            retryLater(step.node)
        case .failed(let problem) where step.action.carried != nil && problem.cause == .noSpace:
            // Staging waits until there is room.
            stageCarried(by: step)
        case .failed(let problem):
            retryLater(step.node, reason: Reason(problem), from: 1000)
            // What fails again and again is written once, and its offer makes room for others.
            if retries[step.node]?.attempts ?? 0 > 1 { stageCarried(by: step) }
            guard problem.cause == .obstructed else { break }
            noteTakenName(of: step)
            try lookPast(step.node)
        }
    }

    /// What the step could not stage by itself is staged as what came without its content.
    private func stageCarried(by step: PlannedApply) {
        guard step.action.carried != nil, case .placeFile(_, let file, _) = step.action.step else { return }
        stage(step.node, file)
    }

    /// A name of the engine's own making is taken: it makes another one.
    private func noteTakenName(of step: PlannedApply) {
        guard case .evade(let target, _) = step.purpose else { return }
        if takenNames.count >= EngineLimits.takenNames { takenNames = [] }
        takenNames.insert(target)
    }

    /// Something else than expected was found: the local tree is looked after before the next try.
    private func lookAgain(after step: PlannedApply) throws(StateError) {
        retryLater(step.node)
        if let placement = try replica.node(step.node)?.local?.placement {
            scans.insert(entry: placement, isDeep: true)
        }
        switch step.purpose {
        case .fetch(let basis, _), .move(let basis): scans.insert(entry: basis.placement, isDeep: true)
        case .evade(let target, _): scans.insert(entry: target)
        case .payload, .discard: break
        }
    }

    private func done(
        _ step: PlannedApply, _ fingerprint: Fingerprint?,
        kept: (name: EntryName, fingerprint: Fingerprint)?, isUnwritten: Bool = false
    ) throws(StateError) {
        clearTrouble(step.node)
        if step.action.carried != nil, case .placeFile(_, let file, _) = step.action.step {
            feedOffers.remove(file.content)
        }
        var node = try replica.node(step.node) ?? ReplicaNode(id: step.node)
        switch step.purpose {
        case .fetch(let basis, let displaced):
            guard let fingerprint else { return }
            // Nothing is known of a node that the hub removed while it was being placed.
            if node.remote == nil, !areStepsOutdated {
                node.remote = .removed(replica.cursor?.revision ?? .zero)
            }
            if let displaced { try wasDisplaced(displaced, by: node.id, kept) }
            if displaced == nil, let kept {
                scans.insert(entry: Placement(parent: basis.placement.parent, name: kept.name))
            }
            node.local = LocalState(
                placement: basis.placement, kind: basis.payload.kind, payload: basis.payload,
                fingerprint: fingerprint, isTrusted: tellsLaterWrites(fingerprint, basis.payload))
            node.base = basis
            consumeStaging(node.id)
        case .payload(let payload, let basis, let keepsLocal):
            guard let fingerprint, let former = node.local else { return }
            try keep(kept, of: node, former, isPlanned: keepsLocal)
            node.local?.payload = payload
            node.local?.fingerprint = fingerprint
            node.local?.isTrusted = tellsLaterWrites(fingerprint, payload)
            agree(&node, onPayloadOf: basis)
            if payload.content != former.payload?.content { consumeStaging(node.id) }
        case .move(let basis):
            passing[node.id] = nil
            lookThroughWhereItIs(node.id, node.local)
            try loosen(basis.placement.parent, from: node.id)
            node.local?.placement = basis.placement
            if let fingerprint { wasMoved(&node.local, fingerprint, isUnwritten) }
            node.base?.placement = basis.placement
            node.base?.placementRevision = basis.placementRevision
        case .evade(let target, let isLocalChange):
            lookThroughWhereItIs(node.id, node.local)
            try loosen(target.parent, from: node.id)
            node.local?.placement = target
            if let fingerprint { wasMoved(&node.local, fingerprint, isUnwritten) }
            if isLocalChange {
                passing[node.id] = nil
            } else {
                // A place of our own making is no move of the user's.
                node.base?.placement = target
            }
        case .discard:
            node.local = nil
            node.base = nil
        }
        // What was agreed on with another history says nothing in this one.
        if areStepsOutdated { node.base = nil }
        try putAndPlan(node)
    }

    /// A directory that could not be looked through, or waits for it, at the place that a step took it from.
    private func lookThroughWhereItIs(_ id: NodeID, _ former: LocalState?) {
        guard let former, former.kind == .directory else { return }
        if unseen[former.placement] != nil || scans.containsDeep(entry: former.placement) { scanDeeply(id) }
    }

    /// Whether a write after the step would show in the times of what it placed.
    private func tellsLaterWrites(_ fingerprint: Fingerprint, _ payload: Payload) -> Bool {
        payload.kind != .file || hasFineTimes || !fingerprint.mayHideWrite
    }

    /// The move changed the status time, which might hide an edit that nobody had seen: a file is read again,
    /// unless nobody can have written into it.
    private func wasMoved(_ local: inout LocalState?, _ fingerprint: Fingerprint, _ isUnwritten: Bool) {
        guard var moved = local else { return }
        if isUnwritten, moved.isTrusted, moved.payload != nil,
            fingerprint.isUnchangedButForLinks(moved.fingerprint)
        {
            local?.fingerprint = fingerprint
            local?.isTrusted = hasFineTimes || !fingerprint.mayHideWrite
            return
        }
        if SeededBug.trustsMovedFiles.isMade {
            local?.fingerprint = fingerprint
            return
        }
        if moved.kind == .file {
            moved.isTrusted = false
            if !fingerprint.isUnchangedButForLinks(moved.fingerprint) { moved.payload = nil }
        }
        moved.fingerprint = fingerprint
        local = moved
    }

    /// Agent and hub now agree on the payload; on the placement they did before, or the node is new here.
    private func agree(_ node: inout ReplicaNode, onPayloadOf basis: NodeState) {
        if node.base == nil { node.base = basis }
        node.base?.payload = basis.payload
        node.base?.payloadRevision = basis.payloadRevision
    }

    /// A node that the folder alone had lost its name to the hub's.
    private func wasDisplaced(
        _ id: NodeID, by winner: NodeID, _ kept: (name: EntryName, fingerprint: Fingerprint)?
    ) throws(StateError) {
        guard var node = try replica.node(id) else { return }
        if let kept {
            node.local?.placement.name = kept.name
            node.local?.fingerprint = kept.fingerprint
            node.local?.isTrusted = false
            node.origin = winner
            if let local = node.local { mustSee(id, local) }
        } else {
            node.local = nil
        }
        try putAndPlan(node)
    }

    /// The former entry stands beside the node now: as a conflict copy that was planned, or as an edit that
    /// nobody had seen.
    private func keep(
        _ kept: (name: EntryName, fingerprint: Fingerprint)?, of node: ReplicaNode, _ former: LocalState,
        isPlanned: Bool
    ) throws(StateError) {
        guard let kept else { return }
        let placement = Placement(parent: former.placement.parent, name: kept.name)
        guard isPlanned, try replica.localChild(placement) == nil else {
            scans.insert(entry: placement)
            return
        }
        var copy = former
        copy.placement = placement
        copy.fingerprint = kept.fingerprint
        copy.isTrusted = false
        let id = nodeIDs.next(&randomness)
        try putAndPlan(ReplicaNode(id: id, local: copy, origin: node.id))
        mustSee(id, copy)
    }

    /// What was displaced may be an edit that nobody had seen: it is not trusted before it was looked at.
    private func mustSee(_ id: NodeID, _ local: LocalState) {
        if local.kind == .file {
            requestRead(id)
        } else if !SeededBug.overlooksDisplacedLinks.isMade {
            scans.insert(entry: local.placement)
        }
    }
}
