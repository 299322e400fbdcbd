// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// From decisions to steps in the folder.

extension AgentEngine {
    /// Whether the folder can be changed now.
    var canApply: Bool {
        applying == nil && scanning == nil && isConsistent && haltReason == nil && !rulesFile.isBeingRead
            && !rulesFile.isNew
    }

    /// Bytes of contents that came with the feed, as long as what is under way in the folder leads to their
    /// placing, whatever the hub says meanwhile; else 0.
    package var bytesToPlace: Int {
        isConsistent && (applying != nil || scanning != nil) ? feedOffers.bytes : 0
    }

    /// Collects the next batch of steps. Every path in it is right when the batch begins, and stays right: a
    /// step that moves or removes a directory is the batch's last.
    func startApply() throws(StateError) {
        guard canApply else { return }
        steps = []
        isBatchSealed = false
        while steps.count < EngineLimits.applySteps, !isBatchSealed, let id = pullable.popFirst() {
            try pull(id)
        }
        guard !steps.isEmpty else { return }
        applying = steps
        scans.isStepsTurn = false
        effects.append(.apply(steps.map(\.action)))
        steps = []
    }

    /// Adds a step whose path, of a move the new one, lies in this directory.
    func add(
        _ node: NodeID, in directory: NodeID, _ purpose: PlannedApply.Purpose, _ step: ApplyStep,
        carrying carried: CarriedContent? = nil
    ) throws(StateError) {
        let action = ApplyAction(
            node: node, step: step, carried: carried, directory: try identity(of: directory))
        steps.append(PlannedApply(purpose: purpose, action: action))
        applyingNodes.insert(node)
    }

    private func pull(_ id: NodeID) throws(StateError) {
        guard !isBusy(id), !ignored.contains(id), let node = try replica.node(id) else { return }
        if let due = retries[id]?.due, due > now { return }
        if let local = node.local {
            guard try !waitsForReturn(id), local.payload != nil else { return }
        }
        switch plan(node) {
        case .fetch: if let state = node.remote?.state { try pullNew(node, state) }
        case .discard: try pullRemoval(node)
        case .merge(let placement, let payload):
            guard let state = node.remote?.state else { return }
            if placement == .pull {
                try pullPlacement(node, state)
            } else {
                try pullPayload(node, state, payload)
            }
        case .create where passing[id] != nil: try leavePassingPlace(id)
        case .forget, .create, .remove, .revive: dirty.insert(id)
        }
    }

    // Something new.

    private func pullNew(_ node: ReplicaNode, _ state: NodeState) throws(StateError) {
        guard let path = try targetPath(node.id, state.placement) else { return }
        let occupant = try replica.localChild(state.placement)
        if occupant == nil, let other = try leavingSpelling(of: state.placement, for: node.id) {
            try waitForLeaving(other, node.id)
            return
        }
        var over = Expectation.nothing
        if let occupant {
            switch try giveWay(occupant, to: node, state) {
            case .waits: return
            case .isDisplaced(let fingerprint):
                guard !isUnavailable(node.id) else {
                    // Who knows when it comes: what has its name here is shared under another meanwhile.
                    try evade(occupant, to: conflictPlacement(for: state.placement), isLocalChange: true)
                    try wait(node.id, for: occupant)
                    return
                }
                let name = try conflictName(for: state.placement)
                over = .entry(fingerprint, keep: true, conflictName: name)
            }
        }
        let purpose = PlannedApply.Purpose.fetch(basis: state, displacing: occupant)
        switch state.payload {
        case .directory(let mode):
            try add(node.id, in: state.placement.parent, purpose, .makeDirectory(path, mode: mode))
        case .symlink(let target):
            try add(
                node.id, in: state.placement.parent, purpose,
                .makeSymlink(path, target: target, over: over))
        case .file(let file):
            let carried = carriedContent(of: node.id, file)
            guard carried != nil || isStaged(node.id, file) else {
                if !isUnavailable(node.id) { dirty.insert(node.id) }
                return
            }
            try add(
                node.id, in: state.placement.parent, purpose, .placeFile(path, file, over: over),
                carrying: carried)
        }
        if let occupant { applyingNodes.insert(occupant) }
    }

    /// The path of a placement whose parent the folder has; else waits for the parent and answers nil.
    private func targetPath(_ id: NodeID, _ placement: Placement) throws(StateError) -> RelativePath? {
        let parent = placement.parent
        if parent != .root {
            guard !isBusy(parent), try replica.node(parent)?.local != nil else {
                try wait(id, for: parent)
                // With a directory that is left out by now goes what the share has in it.
                if ignored.contains(parent), try replica.node(id)?.local == nil { dirty.insert(id) }
                return nil
            }
            if let vanished = try vanished(at: parent) {
                try wait(id, for: vanished)
                return nil
            }
        }
        return try localPath(placement)
    }

    // What is there already.

    private func pullPayload(
        _ node: ReplicaNode, _ state: NodeState, _ plan: PayloadPlan
    ) throws(StateError) {
        guard let local = node.local, let path = try localPath(node.id) else { return }
        guard local.isTrusted else {
            if readRetries[node.id]?.isSteady == true { problems[node.id] = Self.beingWritten }
            return
        }
        if let other = try vanishedCopy(of: node, local) {
            try wait(node.id, for: other)
            return
        }
        let wanted: Payload
        let keepsLocal: Bool
        switch plan {
        // Bytes that nobody has decided about are not given up.
        case .pull(let payload): (wanted, keepsLocal) = (payload, isDamaged(node))
        case .conflict: (wanted, keepsLocal) = (state.payload, true)
        case .agreed, .push: return
        }
        let purpose = PlannedApply.Purpose.payload(wanted, basis: state, keepsLocal: keepsLocal)
        let over = Expectation.entry(
            local.fingerprint, keep: keepsLocal, conflictName: try conflictName(for: local.placement))
        let step: ApplyStep
        var carried: CarriedContent?
        switch wanted {
        case .directory(let mode):
            step = .setMetadata(path, expected: local.fingerprint, mode: mode, modified: nil)
        case .symlink(let target): step = .makeSymlink(path, target: target, over: over)
        case .file(let file):
            if local.payload?.content == file.content {
                step = .setMetadata(
                    path, expected: local.fingerprint, mode: file.mode, modified: file.modified)
            } else {
                carried = carriedContent(of: node.id, file)
                guard carried != nil || isStaged(node.id, file) else {
                    dirty.insert(node.id)
                    return
                }
                step = .placeFile(path, file, over: over)
            }
        }
        try add(node.id, in: local.placement.parent, purpose, step, carrying: carried)
    }

    /// The node whose name, until a moment ago, led to the file that this one's leads to now, and which may
    /// be a copy of it to the share: whether it was removed, so that this file is all there is, is not known
    /// yet.
    private func vanishedCopy(of node: ReplicaNode, _ local: LocalState) throws(StateError) -> NodeID? {
        guard !missing.isEmpty, local.kind == .file else { return nil }
        let file = local.fingerprint.identity
        for id in try replica.localNodes(identity: file)
        where id != node.id && missing[id] != nil && successors.wasTaken(file, between: id, and: node.id) {
            if let other = try replica.node(id), Self.hasCopyOf(node, other) { return id }
        }
        return nil
    }

    private func pullPlacement(_ node: ReplicaNode, _ state: NodeState) throws(StateError) {
        guard let local = node.local else { return }
        if local.kind == .directory, let above = try ancestor(of: state.placement.parent, below: node.id) {
            try giveUpPlace(above, to: node.id)
            return
        }
        guard let path = try targetPath(node.id, state.placement) else {
            if local.placement == RulesFile.placement, ignored.contains(state.placement.parent) {
                try evadeOwnRules(node.id)
            } else {
                noteOutOfReach(node.id, in: state.placement.parent)
            }
            return
        }
        if let occupant = try replica.localChild(state.placement), occupant != node.id {
            switch try giveWay(occupant, to: node, state) {
            case .waits: return
            case .isDisplaced:
                try evade(occupant, to: conflictPlacement(for: state.placement), isLocalChange: true)
                try wait(node.id, for: occupant)
                return
            }
        }
        if let other = try leavingSpelling(of: state.placement, for: node.id) {
            try waitForLeaving(other, node.id)
            return
        }
        if local.placement == RulesFile.placement, problems[node.id]?.hindrance == .obstructed {
            try evadeOwnRules(node.id)
            return
        }
        guard let from = try localPath(node.id) else { return }
        try add(
            node.id, in: state.placement.parent, .move(basis: state),
            .move(from: from, to: path, identity: local.fingerprint.identity, expected: local.known))
        if local.kind == .directory { isBatchSealed = true }
    }

    /// The directory between `parent` and `node`, where `parent` lies beneath `node` in the folder, that the
    /// hub has elsewhere.
    private func ancestor(of parent: NodeID, below node: NodeID) throws(StateError) -> NodeID? {
        var displaced: NodeID?
        var current = parent
        for _ in 0..<RelativePath.limitDepth {
            if current == .root || current == .limbo { return nil }
            if current == node { return displaced ?? parent }
            guard let state = try replica.node(current), let placement = state.local?.placement else {
                return nil
            }
            if displaced == nil, placement != state.remote?.state?.placement { displaced = current }
            current = placement.parent
        }
        return nil
    }

    /// A directory has to leave before `id` can move beneath it. If nobody but this folder moved it to where
    /// it is, that move is overruled.
    private func giveUpPlace(_ directory: NodeID, to id: NodeID) throws(StateError) {
        if let node = try replica.node(directory), case .merge(.push, _) = plan(node), !isBusy(directory) {
            overrule(directory)
        }
        try wait(id, for: directory)
    }

    // Names that are taken.

    enum Occupant {
        /// The asker waits until the occupant is elsewhere, or is the asker.
        case waits
        /// The folder alone has it: it becomes a conflict copy.
        case isDisplaced(Fingerprint)
    }

    /// What becomes of a node that stands where the hub has another.
    private func giveWay(
        _ id: NodeID, to node: ReplicaNode, _ state: NodeState
    ) throws(StateError) -> Occupant {
        guard let occupant = try replica.node(id), let local = occupant.local, !isBusy(id), try !isGone(id),
            let payload = local.payload, local.isTrusted
        else {
            try wait(node.id, for: id)
            return .waits
        }
        switch plan(occupant) {
        case .create: return try mergeOrDisplace(occupant, local, payload, node, state)
        case .revive:
            dirty.insert(id)
            dirty.insert(node.id)
            return .waits
        case .discard
        where node.local == nil && local.kind == .directory && state.payload.kind == .directory
            && problems[id]?.hindrance == .obstructed:
            // It stays for what it holds, and becomes the directory that the share has anew.
            try adopt(occupant, as: node)
            return .waits
        case .merge(.push, _):
            try evade(id, to: conflictPlacement(for: local.placement), isLocalChange: true)
        default: dirty.insert(id)
        }
        try wait(node.id, for: id)
        return .waits
    }

    /// Two nodes of one name, made on both sides: equal ones and directories become one.
    private func mergeOrDisplace(
        _ occupant: ReplicaNode, _ local: LocalState, _ payload: Payload, _ node: ReplicaNode,
        _ state: NodeState
    ) throws(StateError) -> Occupant {
        let givesWay = payload.isEmptyFile && state.payload.kind == .file
        if node.local == nil, givesWay || payload.hasSameContent(as: state.payload) {
            try adopt(occupant, as: node)
            return .waits
        }
        let isDirectory = local.kind == .directory || state.payload.kind == .directory
        guard isDirectory || node.local != nil else { return .isDisplaced(local.fingerprint) }
        try evade(occupant.id, to: conflictPlacement(for: local.placement), isLocalChange: true)
        try wait(node.id, for: occupant.id)
        return .waits
    }

    /// Moves a node of the folder out of the way.
    private func evade(_ id: NodeID, to target: Placement, isLocalChange: Bool) throws(StateError) {
        guard !applyingNodes.contains(id), let local = try replica.node(id)?.local,
            let from = try localPath(id), let path = try localPath(target)
        else { return }
        if !isLocalChange {
            try rememberPassingPlace(target, of: id)
            passing[id] = local.placement
        }
        try add(
            id, in: target.parent, .evade(to: target, isLocalChange: isLocalChange),
            .move(from: from, to: path, identity: local.fingerprint.identity, expected: local.known))
        if local.kind == .directory { isBatchSealed = true }
    }

    /// A node that stepped aside has lost the place that it was to get: it becomes a conflict copy.
    private func leavePassingPlace(_ id: NodeID) throws(StateError) {
        guard let original = passing[id] else { return }
        let target = Placement(parent: .root, name: original.name)
        try evade(id, to: conflictPlacement(for: target), isLocalChange: true)
    }

    private func conflictPlacement(for placement: Placement) throws(StateError) -> Placement {
        Placement(parent: placement.parent, name: try conflictName(for: placement))
    }

    /// A name beside this one for what cannot have it, which neither the folder nor the hub has.
    func conflictName(for placement: Placement) throws(StateError) -> EntryName {
        var attempt = 1
        while true {
            let name = ConflictName.name(
                for: placement.name, device: deviceName, date: wallClock, attempt: attempt)
            let candidate = Placement(parent: placement.parent, name: name)
            if !takenNames.contains(candidate), try replica.localChild(candidate) == nil,
                try replica.remoteChild(candidate) == nil
            {
                return name
            }
            attempt += 1
        }
    }

    // Waiting, and circles of it.

    /// Lets the node go on once the other did. If that closes a circle (names that are swapped, say), one
    /// node of the circle steps aside to a passing name in the root.
    func wait(_ id: NodeID, for blocker: NodeID) throws(StateError) {
        // Whatever failed before, this is what it waits for now.
        problems[id] = nil
        waits.insert(id, waitingFor: blocker)
        guard let circle = waits.circle(closedBy: id, waitingFor: blocker) else { return }
        for member in circle where !isBusy(member) {
            guard let node = try replica.node(member), let local = node.local, try !isGone(member),
                case .merge(.pull, _) = plan(node)
            else { continue }
            try evade(member, to: passingPlacement(for: local.placement.name), isLocalChange: false)
            return
        }
    }

    private func waitForLeaving(_ other: NodeID, _ id: NodeID) throws(StateError) {
        dirty.insert(other)
        try wait(id, for: other)
    }

    /// What is in the way of the file of rules may be what its own rules leave out: without them, that is
    /// seen.
    private func evadeOwnRules(_ id: NodeID) throws(StateError) {
        try evade(id, to: passingPlacement(for: .relayIgnore), isLocalChange: false)
    }

    /// A place that an entry can stand at until its own is free.
    private func passingPlacement(for name: EntryName) -> Placement {
        let tag = UInt32(truncatingIfNeeded: randomness.next())
        return Placement(parent: .root, name: ConflictName.passing(for: name, tag: tag))
    }
}
