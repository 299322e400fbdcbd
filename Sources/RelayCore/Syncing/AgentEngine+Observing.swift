// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// From what was found to the local tree: which node an entry is.
//
// A directory is recognised by its inode and birth time. A file keeps its node while its name persists, for
// editors replace files; when the name is gone, the inode finds it elsewhere: a move.

extension AgentEngine {
    /// All entries of a directory were found: those of the local tree that are not among them vanished,
    /// unless something hides them. Most are as they were known: those cost one look at all rows together.
    func observe(
        _ entries: [FoundEntry], hidden: [HiddenEntry], in directory: NodeID
    ) throws(StateError) {
        for entry in hidden { try couldNotSee(entry, in: directory) }
        if directory == .root, !hidden.contains(where: { $0.name == .relayIgnore }) {
            foundRules(entries.first { $0.name == .relayIgnore }?.fingerprint)
        }
        var comparison = DirectoryComparison(entries, hidden: hidden)
        try replica.eachLocalChild(of: directory) { id, local throws(StateError) in
            comparison.compare(id, local, isDoubtful: missing[id] != nil)
        }
        for id in comparison.vanished { vanish(id) }
        let (unchanged, changed) = comparison.split(try observed(comparison.entries, in: directory))
        for (entry, id) in unchanged {
            if !deletions.isEmpty { deletions.remove(Placement(parent: directory, name: entry.name)) }
            if entry.kind == .directory { scanDeeply(id) }
        }
        for entry in changed {
            try observeShared(entry, at: Placement(parent: directory, name: entry.name), isDeep: true)
        }
    }

    /// What stands at one place was found: nothing, if `found` is nil.
    func observe(_ found: FoundEntry?, at placement: Placement, isDeep: Bool) throws(StateError) {
        if placement == RulesFile.placement { foundRules(found?.fingerprint) }
        if rules != nil, let found, try passesOver(found, at: placement) { return }
        try observeShared(found, at: placement, isDeep: isDeep)
    }

    private func observeShared(
        _ found: FoundEntry?, at placement: Placement, isDeep: Bool
    ) throws(StateError) {
        let current = try replica.localChild(placement)
        let isDeleted = deletions.remove(placement) != nil
        guard let found else {
            secondLooks.remove(placement)
            guard let current else { return try goOn(at: placement) }
            vanish(current, isDeleted: isDeleted)
            return
        }
        guard let current, let node = try replica.node(current), let local = node.local else {
            try appear(found, at: placement)
            return
        }
        var isSame = local.kind == found.kind.kind
        if isSame, local.kind == .directory, local.fingerprint.identity != found.fingerprint.identity {
            isSame = try isReturning(current, as: found)
        }
        if isSame {
            let isBack = missing.removeValue(forKey: current) != nil
            if isBack {
                dirty.insert(current)
                wake(current)
            }
            try update(node, local, found)
            // What was to be looked at or read in it while it was gone, was not.
            if isDeep || isBack, local.kind == .directory { scanDeeply(current) }
        } else {
            try detach(node, local)
            try appear(found, at: placement)
        }
    }

    /// Another thing took the node's name: where the node is now, if anywhere, is not known.
    func detach(_ node: ReplicaNode, _ local: LocalState) throws(StateError) {
        var node = node
        var local = local
        local.placement = Placement(
            parent: .limbo, name: EntryName(unchecked: hexadecimalBytes(node.id.bytes)))
        node.local = local
        vanish(node.id)
        try put(node)
    }

    /// Before a directory takes its place in `parent`: what the local tree has above `parent` and within the
    /// directory left it meanwhile, for on the disk nothing is inside itself. Where it went is not known yet.
    func loosen(_ parent: NodeID, from directory: NodeID) throws(StateError) {
        var current = parent
        for _ in 0..<RelativePath.limitDepth {
            if current == .root || current == .limbo { return }
            guard let node = try replica.node(current), let local = node.local else { return }
            if local.placement.parent == directory {
                try detach(node, local)
                return
            }
            current = local.placement.parent
        }
    }

    /// An entry where the local tree has none: a node that moved, or a new one.
    private func appear(_ found: FoundEntry, at placement: Placement) throws(StateError) {
        for id in try formerNames(of: found.fingerprint.identity) {
            guard let node = try replica.node(id), let local = node.local,
                local.kind == found.kind.kind
            else { continue }
            if try isGone(id) || local.placement.parent == .limbo {
                if local.kind == .file, isBackup(placement, of: local.placement),
                    let deadline = missing[id], now < deadline
                {
                    rescans[placement] = deadline
                    return
                }
                try moved(node, local, to: placement, found)
                return
            }
            if secondLooks.insert(placement).inserted {
                scans.insert(entry: local.placement)
                scans.insert(entry: placement, isDeep: true)
                return
            }
            if local.kind == .directory, unseen[local.placement] != nil {
                // A directory stands in one place only, and of the former one nothing can be told.
                try moved(node, local, to: placement, found)
                return
            }
        }
        secondLooks.remove(placement)
        try create(found, at: placement)
    }

    /// The nodes that had this file. Where one was renamed over another and both are gone, the file goes on
    /// as the one of which others changed nothing meanwhile: what they changed is not what is in it.
    private func formerNames(of file: FileIdentity) throws(StateError) -> [NodeID] {
        let all = try replica.localNodes(identity: file)
        guard all.count > 1 else { return all }
        var (first, rest): ([NodeID], [NodeID]) = ([], [])
        for id in all {
            let node = try replica.node(id)
            let isChanged = node?.base?.payloadRevision != node?.remote?.state?.payloadRevision
            let isGone = try isGone(id)
            if isGone, !isChanged { first.append(id) } else { rest.append(id) }
        }
        return first + rest
    }

    /// Whether a file seems to have been put aside by an editor that is about to write it anew.
    private func isBackup(_ placement: Placement, of original: Placement) -> Bool {
        let name = placement.name.bytes
        let stem = original.name.bytes
        guard placement.parent == original.parent, name.count > stem.count, name.starts(with: stem) else {
            return false
        }
        return [Array("~".utf8), Array(".bak".utf8), Array(".orig".utf8)].contains(Array(name[stem.count...]))
    }

    func moved(
        _ node: ReplicaNode, _ local: LocalState, to placement: Placement, _ found: FoundEntry
    ) throws(StateError) {
        missing[node.id] = nil
        passing[node.id] = nil
        secondLooks.remove(placement)
        if local.kind == .directory { try loosen(placement.parent, from: node.id) }
        var node = node
        var local = local
        local.placement = placement
        node.local = local
        judgeMove(&node, found.fingerprint)
        clearTrouble(node.id)
        try putAndPlan(node)
        try update(node, local, found)
        if local.kind == .directory { scanDeeply(node.id) }
    }

    private func create(_ found: FoundEntry, at placement: Placement) throws(StateError) {
        let id = nodeIDs.next(&randomness)
        young.insert(id, now)
        var payload: Payload?
        switch found.kind {
        case .file: break
        case .directory: payload = .directory(mode: found.fingerprint.permissions)
        case .symlink(let target): payload = .symlink(target: target)
        }
        let local = LocalState(
            placement: placement, kind: found.kind.kind, payload: payload, fingerprint: found.fingerprint,
            isTrusted: true)
        replica.expectNew(id)
        // There is nothing to plan for a file before it was read.
        if found.kind == .file, rules == nil {
            try put(ReplicaNode(id: id, local: local))
        } else {
            try putAndPlan(ReplicaNode(id: id, local: local))
        }
        switch found.kind {
        case .file: requestRead(id)
        case .directory: scanDeeply(id)
        case .symlink: break
        }
    }

    /// The node is where it was; what it holds may have changed.
    private func update(
        _ node: ReplicaNode, _ local: LocalState, _ found: FoundEntry
    ) throws(StateError) {
        var local = local
        let before = local
        switch found.kind {
        case .directory:
            local.payload = .directory(mode: found.fingerprint.permissions)
            // A step that sets the mode expects all of it, also the bits that are not shared.
            if local.fingerprint.mode != found.fingerprint.mode
                || local.fingerprint.identity != found.fingerprint.identity
            {
                local.fingerprint = found.fingerprint
            }
        case .symlink(let target):
            local.payload = .symlink(target: target)
            local.fingerprint = found.fingerprint
            local.isTrusted = true
        case .file: try updateFile(node.id, &local, found.fingerprint)
        }
        if local.fingerprint != before.fingerprint { noteAge(of: node, local.fingerprint) }
        if case .file = found.kind, local.payload == nil || !local.isTrusted { requestRead(node.id) }
        guard local != before else { return }
        var node = node
        node.local = local
        clearTrouble(node.id)
        try putAndPlan(node)
    }

    /// A file whose size and mtime stayed is taken to hold what it held, until a second reading says so.
    private func updateFile(
        _ id: NodeID, _ local: inout LocalState, _ found: Fingerprint
    ) throws(StateError) {
        guard found != local.fingerprint else { return }
        if found.identity != local.fingerprint.identity {
            if !isFollowing { replaced.insert(id) }
            if try !replica.localNodes(identity: found.identity).isEmpty {
                successors.noteTaking(of: found.identity, by: id)
            }
        }
        var sameButMode = found
        sameButMode.mode = local.fingerprint.mode
        if sameButMode.isUnchangedButForLinks(local.fingerprint), case .file(var file)? = local.payload {
            file.mode = found.permissions
            local.payload = .file(file)
        } else {
            local.payload = nil
        }
        local.isTrusted = false
        local.fingerprint = found
    }
}
