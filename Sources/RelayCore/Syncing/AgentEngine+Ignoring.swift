// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// What the rules leave out: neither side gets it from the other, and nobody loses it.
//
// An entry of the folder that they leave out is not observed. If it was, before the rules said so, it is
// forgotten: it stays on the disk, the share keeps what it has, and nothing is agreed on any more. So when
// the rules change back, both sides are merged as at a first join, and an absence says nothing.

extension AgentEngine {
    // Nodes of the share.

    /// Whether the rules leave a node out of which the folder has nothing; keeps count of those.
    func isLeftOut(_ node: ReplicaNode) throws(StateError) -> Bool {
        guard rules != nil || !ignored.isEmpty else { return false }
        if SeededBug.takesForgottenForRemoved.isMade { return false }
        guard let rules, node.local == nil, let state = node.remote?.state, !renounced.contains(node.id),
            let path = try wantedPath(state.placement),
            rules.ignore(path, isDirectory: state.payload.kind == .directory)
        else {
            ignored.remove(node.id)
            return false
        }
        ignored.insert(node.id)
        return true
    }

    /// Whether the rules leave an entry out, or a directory above it.
    package func ignores(_ path: RelativePath, isDirectory: Bool) -> Bool {
        rules?.ignore(path, isDirectory: isDirectory) ?? false
    }

    /// Whether the rules leave out an entry that was found.
    func leavesOut(_ found: FoundEntry, in directory: NodeID) throws(StateError) -> Bool {
        guard let rules, let prefix = try prefix(of: directory) else { return false }
        return rules.ignore(found.name, in: prefix, isDirectory: found.kind.kind == .directory)
    }

    /// Whether a rule leaves this node of the share out of the folder.
    package func isIgnored(_ id: NodeID) -> Bool { ignored.contains(id) }

    /// Where the folder has a place, or would have it.
    private func wantedPath(_ placement: Placement) throws(StateError) -> RelativePath? {
        var names = [placement.name]
        var current = placement.parent
        while current != .root {
            guard current != .limbo, names.count < RelativePath.limitDepth,
                let node = try replica.node(current),
                let above = node.local?.placement ?? node.remote?.state?.placement
            else { return nil }
            names.append(above.name)
            current = above.parent
        }
        return RelativePath(names.reversed())
    }

    /// A directory that stands elsewhere by now takes with it what the rules leave out by its path.
    func noteMove(from former: ReplicaNode?, to node: ReplicaNode) {
        guard let former, !ignored.isEmpty else { return }
        let before = former.local?.placement ?? former.remote?.state?.placement
        let after = node.local?.placement ?? node.remote?.state?.placement
        if before != nil, before != after { isIgnoredOutdated = true }
    }

    func reconsiderIgnored() {
        guard isIgnoredOutdated else { return }
        isIgnoredOutdated = false
        for id in ignored.sorted() { dirty.insert(id) }
    }

    // Nodes in general.

    /// Sees to a node that the rules leave out. False: they do not.
    func leaveOut(_ node: ReplicaNode) throws(StateError) -> Bool {
        guard let rules else { return false }
        guard let local = node.local else {
            let wasIgnored = ignored.contains(node.id)
            guard try isLeftOut(node) else {
                if wasIgnored { try put(node) }
                return false
            }
            unstage(node.id)
            overruled.remove(node.id)
            clearTrouble(node.id)
            // Whatever became of it here since it was agreed on, it is not told.
            var node = node
            node.base = nil
            try put(node)
            wake(node.id)
            return true
        }
        guard missing[node.id] == nil, passing[node.id] == nil, try leavesOut(local, by: rules) else {
            return false
        }
        // What is being placed in it is to be forgotten with it.
        if !mustWaitForSteps(node) { try forgetTree(node.id) }
        return true
    }

    private func leavesOut(_ local: LocalState, by rules: IgnoreRules) throws(StateError) -> Bool {
        guard local.placement.parent != .limbo, let directory = try prefix(of: local.placement.parent) else {
            return false
        }
        return rules.ignore(local.placement.name, in: directory, isDirectory: local.kind == .directory)
    }

    /// What vanished and is left out was not removed: it is forgotten.
    func forgetVanished() throws(StateError) {
        guard let rules else { return }
        for id in missing.keys.sorted() where missing[id] != nil && !isBusy(id) {
            guard let local = try replica.node(id)?.local, try leavesOut(local, by: rules) else { continue }
            try forgetTree(id)
        }
    }

    /// The path of a directory with a slash after each name; nil while it is not in the folder's tree.
    private func prefix(of directory: NodeID) throws(StateError) -> [UInt8]? {
        guard directory != .root else { return [] }
        guard let placement = try replica.node(directory)?.local?.placement,
            let path = try wantedPath(placement)
        else { return nil }
        return path.bytes + [0x2f]
    }

    /// The engine knows nothing any more of what the folder has there. What is under way with any of it comes
    /// to its end first.
    private func forgetTree(_ top: NodeID) throws(StateError) {
        var nodes: [NodeID] = []
        var stack = [top]
        while let id = stack.popLast() {
            guard !isBusy(id) else {
                waits.insert(top, waitingFor: id)
                return
            }
            nodes.append(id)
            stack.append(contentsOf: try replica.localChildren(of: id))
        }
        for id in nodes { try forget(id) }
        guard !unknown.isEmpty else { return }
        let forgotten = Set(nodes)
        unknown = unknown.filter { !forgotten.contains($0.key.directory) }
    }

    private func forget(_ id: NodeID) throws(StateError) {
        guard var node = try replica.node(id) else { return }
        node.local = nil
        if !SeededBug.takesForgottenForRemoved.isMade { node.base = nil }
        node.origin = nil
        missing[id] = nil
        passing[id] = nil
        readRetries[id] = nil
        drafts[id] = nil
        damaged[id] = nil
        losses?.recent[id] = nil
        overruled.remove(id)
        reverted.remove(id)
        _ = young.remove(id)
        unstage(id)
        clearTrouble(id)
        try dropFormerStates(of: id)
        try putAndPlan(node)
    }

    // Entries of the folder.

    /// Those of a directory's entries that the rules do not leave out.
    func observed(_ entries: [FoundEntry], in directory: NodeID) throws(StateError) -> [FoundEntry] {
        guard let rules else { return entries }
        // Where the directory is now is not known: it is looked through once it is.
        guard let prefix = try prefix(of: directory) else { return [] }
        var observed: [FoundEntry] = []
        var passed: [EntryName] = []
        for entry in entries {
            let placement = Placement(parent: directory, name: entry.name)
            if try passesOver(entry, at: placement, prefix, rules) {
                passed.append(entry.name)
            } else {
                observed.append(entry)
            }
        }
        noteIgnored(passed, in: directory)
        return observed
    }

    /// Whether an entry is none of the engine's concern.
    func passesOver(_ found: FoundEntry, at placement: Placement) throws(StateError) -> Bool {
        guard let rules else { return false }
        guard let prefix = try prefix(of: placement.parent) else { return true }
        return try passesOver(found, at: placement, prefix, rules)
    }

    private func passesOver(
        _ found: FoundEntry, at placement: Placement, _ prefix: [UInt8], _ rules: IgnoreRules
    ) throws(StateError) -> Bool {
        guard rules.ignore(found.name, in: prefix, isDirectory: found.kind.kind == .directory) else {
            return false
        }
        secondLooks.remove(placement)
        guard let current = try replica.localChild(placement), let node = try replica.node(current),
            let local = node.local
        else {
            try noteInTheWay(placement)
            return true
        }
        // A name of the engine's own making is given up in a moment.
        guard passing[current] == nil else { return false }
        if rules.ignore(found.name, in: prefix, isDirectory: local.kind == .directory) {
            if missing.removeValue(forKey: current) != nil { wake(current) }
            // What could not be seen in it is nobody's concern any more.
            unknown[.directory(current)] = nil
            dirty.insert(current)
        } else {
            try detach(node, local)
        }
        return true
    }

    /// Whether a name that is not known here is left out, whatever stands there.
    func isIgnored(_ placement: Placement) throws(StateError) -> Bool {
        guard let rules, let prefix = try prefix(of: placement.parent) else { return false }
        guard rules.ignore(placement.name, in: prefix, isDirectory: false) else { return false }
        guard rules.ignore(placement.name, in: prefix, isDirectory: true) else { return false }
        return try replica.localChild(placement) == nil
    }

    /// Whether a hint tells of what is left out: of something in an ignored directory, or of an entry that is
    /// ignored whatever it is.
    func isOfNoConcern(_ placement: Placement, isWhole: Bool) throws(StateError) -> Bool {
        guard let rules, let prefix = try prefix(of: placement.parent) else { return false }
        guard isWhole else { return rules.ignore(placement.name, in: prefix, isDirectory: true) }
        // Something may wait for it to go.
        guard retries.isEmpty else { return false }
        return try isIgnored(placement)
    }

    // What is in the way.

    /// The share has something else of this name, that is not left out.
    private func noteInTheWay(_ placement: Placement) throws(StateError) {
        guard let wanted = try replica.remoteChild(placement), retries[wanted] != nil else { return }
        problems[wanted] = Reason(
            .obstructed,
            "an entry that \(EntryName.relayIgnore) leaves out has its name here: move or delete that")
    }

    /// The share has a node where the rules leave everything out, and where it cannot go here.
    func noteOutOfReach(_ id: NodeID, in directory: NodeID) {
        guard ignored.contains(directory) else { return }
        problems[id] = Reason(
            .ignored,
            "it was moved to where \(EntryName.relayIgnore) leaves it out, and stays here as it was:"
                + " move or delete it")
    }

    /// A directory that was removed elsewhere stays as long as something is in it that is not shared.
    private func noteIgnored(_ names: [EntryName], in directory: NodeID) {
        guard retries[directory] != nil, problems[directory]?.hindrance == .obstructed else { return }
        guard let first = names.first else {
            problems[directory] = Self.holdsUnshared
            return
        }
        let others = names.count > 1 ? " and \(names.count - 1) more" : ""
        problems[directory] = Reason(
            .obstructed,
            "it was removed elsewhere, but holds what \(EntryName.relayIgnore) leaves out: \(first)\(others)."
                + " Move or delete that, and the directory goes")
    }

    static var holdsUnshared: Reason {
        Reason(.obstructed, "the directory holds things that are not shared")
    }

    /// Nothing stands at a place any more: what waited for that is tried again.
    func goOn(at placement: Placement) throws(StateError) {
        guard rules != nil, !problems.isEmpty else { return }
        for id in [placement.parent, try replica.remoteChild(placement)].compactMap({ $0 }) {
            guard retries[id]?.due != nil, problems[id]?.hindrance == .obstructed else { continue }
            retries[id]?.due = nil
            dirty.insert(id)
        }
    }
}
