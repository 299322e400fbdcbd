// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// What was found to differ is observed and planned anew, by the ordinary rules.
//
// Nothing becomes a removal by it: where what an index says cannot be relied on, what was agreed on is
// forgotten, and without that an absence says nothing. What is here is then merged with what the hub has, as
// when an agent joins with files in its folder.

extension AgentEngine {
    /// Lets the ordinary rules decide about differences that were found.
    func verified(_ differences: [Difference]) throws(StateError) {
        var mustLookThrough = false
        // A record that is of no use is forgotten before its directory may come back.
        for case .observe(let id) in differences.map(\.repair) {
            try observeAnew(id)
            mustLookThrough = true
        }
        for difference in differences {
            switch difference.repair {
            case .observe: break
            case .look(let placement): scans.insert(entry: placement, isDeep: true)
            case .read(let id): try readAnew(id)
            case .take(let record): try takeAnew(record)
            case .offer(let id): try offerAnew(id)
            case .plan(let id):
                dirty.insert(id)
                wake(id)
            case .ask(let id, let fingerprint): damaged[id] = fingerprint
            }
        }
        if mustLookThrough { startFullScan() }
    }

    /// Whether the file was found damaged, and has not been written since.
    func isDamaged(_ node: ReplicaNode) -> Bool {
        guard let fingerprint = damaged[node.id] else { return false }
        return node.local?.fingerprint == fingerprint
    }

    /// Whether a person has to decide about the file.
    package func isKnownDamaged(_ node: ReplicaNode) -> Bool { isDamaged(node) }

    /// What a file that was read counts as holding. Through moves and changes of mode, known damage stays
    /// what it is: only who writes the file has decided about its bytes.
    func recordedContent(
        _ found: ContentID, of node: ReplicaNode, as fingerprint: Fingerprint
    ) -> ContentID {
        guard let known = damaged[node.id] else { return found }
        var former = fingerprint
        former.changed = known.changed
        former.mode = known.mode
        guard former == known, let content = node.local?.payload?.content, content != found else {
            damaged[node.id] = nil
            return found
        }
        damaged[node.id] = fingerprint
        return content
    }

    /// Nobody has decided about the file's bytes, and it is to be removed: it is read as if it had been
    /// edited.
    func takeDamageForEdit(_ node: ReplicaNode) throws(StateError) {
        damaged[node.id] = nil
        var node = node
        node.local?.payload = nil
        node.local?.isTrusted = false
        try put(node)
        requestRead(node.id)
    }

    private func observeAnew(_ id: NodeID) throws(StateError) {
        guard !isBusy(id), var node = try replica.node(id) else { return }
        node.base = nil
        if let local = node.local {
            // An entry that nothing leads to is found again by looking through the folder.
            let path = try localPath(id)
            let isNamed = try replica.localChild(local.placement) == id
            if path == nil || !isNamed {
                node.local = nil
            } else if local.kind == .file {
                node.local?.payload = nil
                node.local?.isTrusted = false
            }
        }
        try putAndPlan(node)
        if node.local?.kind == .file { requestRead(id) }
    }

    private func readAnew(_ id: NodeID) throws(StateError) {
        guard !isBusy(id), var node = try replica.node(id), node.local?.kind == .file else { return }
        node.base = nil
        node.local?.payload = nil
        node.local?.isTrusted = false
        try putAndPlan(node)
        requestRead(id)
    }

    private func takeAnew(_ record: NodeRecord) throws(StateError) {
        var node = try replica.node(record.node) ?? ReplicaNode(id: record.node)
        if let remote = node.remote, remote.revision > record.revision { return }
        node.remote = record.state.map { .live($0) } ?? .removed(record.revision)
        if node.local == nil || record.state == nil { node.base = nil }
        try putAndPlan(node)
    }

    private func offerAnew(_ id: NodeID) throws(StateError) {
        guard !isBusy(id), var node = try replica.node(id) else { return }
        node.base = nil
        node.remote = nil
        try putAndPlan(node)
    }
}
