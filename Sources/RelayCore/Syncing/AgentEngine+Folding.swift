// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// Folders whose file system takes names that differ in case for one.
//
// Of two such names only the first can be there; the other is obstructed until the first goes.

extension AgentEngine {
    /// The kernel tells of an entry by the name that somebody used for it: looks where the entry is known.
    func scanOtherSpellings(of placement: Placement) throws(StateError) {
        guard foldsNames else { return }
        let folded = placement.name.folded
        for id in try replica.localChildren(of: placement.parent) {
            guard let known = try replica.node(id)?.local?.placement, known != placement,
                known.name.folded == folded
            else { continue }
            scans.insert(entry: known)
        }
    }

    /// What has the name in another spelling, and is about to leave it.
    func leavingSpelling(of placement: Placement, for id: NodeID) throws(StateError) -> NodeID? {
        guard foldsNames else { return nil }
        let folded = placement.name.folded
        for other in try replica.localChildren(of: placement.parent) where other != id {
            guard let node = try replica.node(other), let name = node.local?.placement.name,
                name != placement.name, name.folded == folded
            else { continue }
            switch plan(node) {
            case .discard, .merge(.pull, _): return other
            default: if try isGone(other) || isBusy(other) { return other }
            }
        }
        return nil
    }

    /// A name is free now: what may have waited for it is tried again.
    func noteFreedName(by former: ReplicaNode?, now node: ReplicaNode) {
        guard let place = former?.local?.placement, place != node.local?.placement, !problems.isEmpty else {
            return
        }
        for id in retries.keys.sorted() where problems[id]?.hindrance == .obstructed && id != node.id {
            retries[id]?.due = nil
            dirty.insert(id)
        }
    }
}
