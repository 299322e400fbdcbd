// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// From what the hub removed to steps that remove it here.

extension AgentEngine {
    /// What is to be removed may be what another node's name led to until a moment ago, as when a file is
    /// renamed over another and back again: then it is that node, moved here. But not if it holds something
    /// else than that node did: who removed it had seen that. Nor if the hub never knew that node: then
    /// nobody can have taken what was removed for a copy of it.
    private func handOver(_ node: ReplicaNode, _ local: LocalState) throws(StateError) -> Bool {
        guard !missing.isEmpty, let payload = local.payload else { return false }
        let file = local.fingerprint.identity
        for id in try replica.localNodes(identity: file)
        where missing[id] != nil && successors.wasTaken(file, between: id, and: node.id) {
            guard let other = try replica.node(id), other.base != nil, let former = other.local,
                former.kind == local.kind,
                former.payload == nil || former.payload?.hasSameContent(as: payload) == true, !isBusy(id)
            else { continue }
            try putAndPlan(ReplicaNode(id: node.id, remote: node.remote))
            let kind: FoundKind =
                if case .symlink(let target) = payload { .symlink(target: target) } else { .file }
            let found = FoundEntry(name: local.placement.name, kind: kind, fingerprint: local.fingerprint)
            try moved(other, former, to: local.placement, found)
            return true
        }
        return false
    }

    func pullRemoval(_ node: ReplicaNode) throws(StateError) {
        guard let local = node.local, local.isTrusted, let path = try localPath(node.id) else { return }
        // Of a passing place the rules say nothing: nobody but this agent gave it that name.
        if let rules, rules.ignore(path, isDirectory: local.kind == .directory), try !isPassing(node.id) {
            // It lies in a directory that is about to be forgotten.
            retryLater(node.id)
            return
        }
        guard local.kind == .directory else {
            if try handOver(node, local) { return }
            try add(
                node.id, in: local.placement.parent, .discard, .remove(path, expected: local.fingerprint))
            return
        }
        var obstructed: NodeID?
        for child in try replica.localChildren(of: node.id) {
            guard let childNode = try replica.node(child) else { continue }
            let isGone = try isGone(child)
            if isGone || isBusy(child) || childNode.local?.payload == nil {
                try wait(node.id, for: child)
                return
            }
            switch plan(childNode) {
            case .discard, .merge(.pull, _):
                // One that may stay for long does not hold up what else is in the directory.
                if try reason(child).hindrance == .obstructed {
                    obstructed = child
                    continue
                }
                dirty.insert(child)
                try wait(node.id, for: child)
            default:
                // Between two pages the child's own change may not be known yet.
                guard isFollowing else { return }
                try revive(node)
            }
            return
        }
        if let obstructed {
            // One that waits is not held up by being looked at, and does not seem to be under way.
            if waits.blocker(of: obstructed) == nil { dirty.insert(obstructed) }
            try wait(node.id, for: obstructed)
            return
        }
        try add(
            node.id, in: local.placement.parent, .discard,
            .removeDirectory(path, identity: local.fingerprint.identity))
        isBatchSealed = true
    }

    /// Whether the entry, or a directory above it, stands at a passing place.
    private func isPassing(_ id: NodeID) throws(StateError) -> Bool {
        guard !passing.isEmpty else { return false }
        var current = id
        for _ in 0..<RelativePath.limitDepth {
            if current == .root || current == .limbo { return false }
            if passing[current] != nil { return true }
            guard let placement = try replica.node(current)?.local?.placement else { return false }
            current = placement.parent
        }
        return false
    }

    /// Has removed directories that wait for an obstructed node, itself or by way of others, look at what
    /// else is in them: what only the folder has is not to wait as long.
    func lookPast(_ obstructed: NodeID) throws(StateError) {
        for id in waits.allWaiters(of: obstructed) {
            guard let node = try replica.node(id), node.local?.kind == .directory, node.remote?.state == nil
            else { continue }
            dirty.insert(id)
        }
    }
}
