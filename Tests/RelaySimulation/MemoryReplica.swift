// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// A replica in memory with transactions that can be lost: by a crash the one that is open, by a power cut
/// also the last few that were committed.
package final class MemoryReplica: ReplicaStore {
    private enum Undo {
        case node(NodeID, ReplicaNode?)
        case cursor(Cursor?)
        case unanswered(UnansweredBatch?)
        case hold(Hold?)
        case ignoreRules([UInt8]?)
        case fork(Revision?)
        case removal(NodeID, Revision?)
        case landmarks([Landmark])
        case formerStates(NodeID, [NodeState])
    }

    private var rows: [NodeID: ReplicaNode] = [:]
    private var localPlaces: [Placement: Set<NodeID>] = [:]
    private var localIdentities: [FileIdentity: Set<NodeID>] = [:]
    private var remotePlaces: [Placement: NodeID] = [:]
    private var unsyncedIDs: Set<NodeID> = []
    private var manifests: [ContentID: Manifest] = [:]
    private var journal: [Undo] = []
    private var commits: [[Undo]] = []
    package private(set) var cursor: Cursor?
    package private(set) var unanswered: UnansweredBatch?
    package private(set) var hold: Hold?
    package private(set) var ignoreRules: [UInt8]?
    package private(set) var fork: Revision?
    private var places: [Landmark] = []
    private var removals: [NodeID: Revision] = [:]
    private var formerStates: [NodeID: [NodeState]] = [:]

    package init() {}

    /// Makes the changes since the last commit survive a crash.
    package func commit() {
        guard !journal.isEmpty else { return }
        commits.append(journal)
        if commits.count > 8 { commits.removeFirst() }
        journal = []
    }

    /// What a crash does: forgets the changes since the last commit.
    package func rollBack() {
        undo(journal)
        journal = []
    }

    /// What a power cut does: forgets up to so many of the last commits as well.
    package func rollBack(commits count: Int) {
        rollBack()
        for _ in 0..<count {
            guard let last = commits.popLast() else { return }
            undo(last)
        }
    }

    private func undo(_ entries: [Undo]) {
        for entry in entries.reversed() {
            switch entry {
            case .node(let id, let before): set(id, before)
            case .cursor(let before): cursor = before
            case .unanswered(let before): unanswered = before
            case .hold(let before): hold = before
            case .ignoreRules(let before): ignoreRules = before
            case .fork(let before): fork = before
            case .removal(let node, let before): removals[node] = before
            case .landmarks(let before): places = before
            case .formerStates(let id, let before): formerStates[id] = before.isEmpty ? nil : before
            }
        }
    }

    package func node(_ id: NodeID) -> ReplicaNode? { rows[id] }

    package func put(_ node: ReplicaNode) {
        let before = rows[node.id]
        guard before != node else { return }
        journal.append(.node(node.id, before))
        set(node.id, node.isEmpty ? nil : node)
    }

    package func setCursor(_ cursor: Cursor?) {
        journal.append(.cursor(self.cursor))
        self.cursor = cursor
        if let cursor { addLandmark(Landmark(revision: cursor.revision, chain: cursor.chain)) }
    }

    package func addLandmark(_ landmark: Landmark) {
        var places = places.filter { $0.revision != landmark.revision }
        places.append(landmark)
        places.sort { $0.revision < $1.revision }
        set(places.count >= Landmark.limit ? Landmark.thinned(places) : places)
    }

    package func landmarks() -> [Landmark] { places }

    package func removeLandmarks(after revision: Revision) {
        set(places.filter { $0.revision <= revision })
    }

    private func set(_ places: [Landmark]) {
        journal.append(.landmarks(self.places))
        self.places = places
    }

    package func noteRemoval(of node: NodeID, at revision: Revision) {
        journal.append(.removal(node, removals[node]))
        removals[node] = revision
    }

    package func removal(of node: NodeID) -> Revision? { removals[node] }

    package func forgetRemovals(after revision: Revision) {
        for (node, removed) in removals where removed > revision {
            journal.append(.removal(node, removed))
            removals[node] = nil
        }
    }

    package func setFork(_ fork: Revision?) {
        journal.append(.fork(self.fork))
        self.fork = fork
    }

    package func setUnanswered(_ batch: UnansweredBatch?) {
        journal.append(.unanswered(unanswered))
        unanswered = batch
    }

    package func setHold(_ hold: Hold?) {
        journal.append(.hold(self.hold))
        self.hold = hold
    }

    package func setIgnoreRules(_ bytes: [UInt8]?) {
        journal.append(.ignoreRules(ignoreRules))
        ignoreRules = bytes
    }

    package var nodeCount: Int { rows.count }

    package func nodesWithFormerStates() -> [NodeID] { formerStates.keys.sorted() }

    package func formerStates(of node: NodeID) -> [NodeState] { formerStates[node] ?? [] }

    package func nodesFormerly(at placement: Placement) -> [NodeID] {
        formerStates.filter { $0.value.contains { $0.placement == placement } }.keys.sorted()
    }

    package func addFormerState(_ state: NodeState, of node: NodeID) {
        journal.append(.formerStates(node, formerStates[node] ?? []))
        formerStates[node, default: []].append(state)
    }

    package func removeFormerStates(of node: NodeID) {
        journal.append(.formerStates(node, formerStates[node] ?? []))
        formerStates[node] = nil
    }

    private func set(_ id: NodeID, _ node: ReplicaNode?) {
        let before = rows[id]
        if before?.local?.placement != node?.local?.placement {
            if let place = before?.local?.placement { localPlaces[place]?.remove(id) }
            if let place = node?.local?.placement { localPlaces[place, default: []].insert(id) }
        }
        if before?.local?.fingerprint.identity != node?.local?.fingerprint.identity {
            if let identity = before?.local?.fingerprint.identity { localIdentities[identity]?.remove(id) }
            if let identity = node?.local?.fingerprint.identity {
                localIdentities[identity, default: []].insert(id)
            }
        }
        let placeBefore = before?.remote?.state?.placement
        let place = node?.remote?.state?.placement
        if placeBefore != place {
            if let placeBefore, remotePlaces[placeBefore] == id { remotePlaces[placeBefore] = nil }
            if let place { remotePlaces[place] = id }
        }
        if let node, !node.isInSync { unsyncedIDs.insert(id) } else { unsyncedIDs.remove(id) }
        rows[id] = node
    }

    package func localChild(_ placement: Placement) -> NodeID? { localPlaces[placement]?.min() }

    package func localChildren(of parent: NodeID, limit: Int) -> [NodeID] {
        Array(children(of: parent) { $0.local?.placement }.prefix(limit))
    }

    package func eachLocalChild(
        of parent: NodeID, _ body: (NodeID, LocalState) throws(StateError) -> Void
    ) throws(StateError) {
        for id in localChildren(of: parent, limit: .max) {
            if let local = rows[id]?.local { try body(id, local) }
        }
    }

    package func localNodes(identity: FileIdentity) -> [NodeID] {
        localIdentities[identity]?.sorted() ?? []
    }

    package func localNode(content: ContentID) -> NodeID? {
        least { $0.local?.isTrusted == true && $0.local?.payload?.content == content }
    }

    package func remoteChild(_ placement: Placement) -> NodeID? { remotePlaces[placement] }

    package func remoteChildren(of parent: NodeID) -> [NodeID] {
        children(of: parent) { $0.remote?.state?.placement }
    }

    package func remoteNode(content: ContentID) -> NodeID? {
        least { $0.remote?.state?.payload.content == content }
    }

    package func unsynced(after: NodeID?, limit: Int) -> [NodeID] {
        first(limit, of: unsyncedIDs, after: after)
    }

    package func nodes(after: NodeID?, limit: Int) -> [NodeID] {
        first(limit, of: rows.keys, after: after)
    }

    package func manifest(_ content: ContentID) -> Manifest? { manifests[content] }
    package func putManifest(_ manifest: Manifest, for content: ContentID) { manifests[content] = manifest }

    private func first(_ limit: Int, of ids: some Collection<NodeID>, after: NodeID?) -> [NodeID] {
        let rest = after.map { bound in ids.filter { $0 > bound } } ?? Array(ids)
        return Array(rest.sorted().prefix(limit))
    }

    private func least(where isWanted: (ReplicaNode) -> Bool) -> NodeID? {
        var found: NodeID?
        for (id, row) in rows where isWanted(row) && found.map({ id < $0 }) ?? true { found = id }
        return found
    }

    private func children(
        of parent: NodeID, _ placement: (ReplicaNode) -> Placement?
    ) -> [NodeID] {
        var found: [(name: EntryName, id: NodeID)] = []
        for (id, row) in rows {
            if let placement = placement(row), placement.parent == parent {
                found.append((placement.name, id))
            }
        }
        return found.sorted { ($0.name, $0.id) < ($1.name, $1.id) }.map(\.id)
    }
}
