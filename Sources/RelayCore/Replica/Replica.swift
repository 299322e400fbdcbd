// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What an agent last saw of a node on disk.
package struct LocalState: Hashable, Sendable {
    package var placement: Placement
    package var kind: NodeKind
    /// Nil for a file whose present content has not been read yet.
    package var payload: Payload?
    package var fingerprint: Fingerprint
    /// Whether the fingerprint is old enough to tell a later change by it.
    package var isTrusted: Bool

    package init(
        placement: Placement, kind: NodeKind, payload: Payload?, fingerprint: Fingerprint, isTrusted: Bool
    ) {
        self.placement = placement
        self.kind = kind
        self.payload = payload
        self.fingerprint = fingerprint
        self.isTrusted = isTrusted
    }
}

extension LocalState {
    /// Of a file whose content is known: the fingerprint that goes with it.
    var known: Fingerprint? { kind == .file && isTrusted && payload != nil ? fingerprint : nil }
}

/// What an agent knows of a node on the hub.
package enum RemoteState: Hashable, Sendable {
    case live(NodeState)
    case removed(Revision)

    package var state: NodeState? {
        if case .live(let state) = self { state } else { nil }
    }
}

/// One node in an agent's three trees; a nil tree does not have the node.
package struct ReplicaNode: Hashable, Sendable {
    package var id: NodeID
    /// What agent and hub last agreed on.
    package var base: NodeState?
    /// What was last seen on disk.
    package var local: LocalState?
    /// The latest from the hub.
    package var remote: RemoteState?
    /// For a conflict copy that the hub does not know yet: the node it is a copy of.
    package var origin: NodeID?

    package init(
        id: NodeID, base: NodeState? = nil, local: LocalState? = nil, remote: RemoteState? = nil,
        origin: NodeID? = nil
    ) {
        self.id = id
        self.base = base
        self.local = local
        self.remote = remote
        self.origin = origin
    }

    /// Whether no tree has the node, so that it need not be kept.
    package var isEmpty: Bool { base == nil && local == nil && (remote == nil || remote?.state == nil) }

    /// Whether the three trees are equal in this node, so that nothing is to be done.
    package var isInSync: Bool {
        guard let base, let local, case .live(let remote) = remote else { return false }
        return base == remote && local.placement == remote.placement && local.payload == remote.payload
            && local.isTrusted
    }
}

/// An agent's own state of one share could not be read or written.
package struct StateError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `cannot <verb> <object>: <cause>`, for people.
    package var description: String
    /// Whether what is stored is damaged, so that trying again is no use.
    package var isDamaged: Bool
    /// Whether the disk, or the quota on it, is used up.
    package var isDiskFull: Bool
    package init(_ description: String, isDamaged: Bool = false, isDiskFull: Bool = false) {
        self.description = description
        self.isDamaged = isDamaged
        self.isDiskFull = isDiskFull
    }
}

/// The three trees of one share on one agent: observations, never pending work.
///
/// Owned by one engine. All calls between two commits of the owner are one transaction.
package protocol ReplicaStore: AnyObject {
    /// Nil when nothing is known of the node.
    func node(_ id: NodeID) throws(StateError) -> ReplicaNode?
    /// A node of this id is about to be put, which was made just now: it need not be looked for.
    func expectNew(_ id: NodeID)
    /// Writes the node's whole row; removes it when `isEmpty`.
    func put(_ node: ReplicaNode) throws(StateError)

    /// The node that the local tree has at this placement.
    func localChild(_ placement: Placement) throws(StateError) -> NodeID?
    /// The nodes that the local tree has beneath this one directly, at most `limit`, in the order of their
    /// names.
    func localChildren(of parent: NodeID, limit: Int) throws(StateError) -> [NodeID]
    /// Gives the body each node that the local tree has beneath this one directly, with its state there, in
    /// the order of their names; of one name, those of lower ids first. The body does not use the store.
    func eachLocalChild(
        of parent: NodeID, _ body: (NodeID, LocalState) throws(StateError) -> Void
    ) throws(StateError)
    /// The nodes of the local tree with this inode (several for hard links), in no order.
    func localNodes(identity: FileIdentity) throws(StateError) -> [NodeID]
    /// Some node whose local payload has this content and is trusted.
    func localNode(content: ContentID) throws(StateError) -> NodeID?
    /// The live node that the remote tree has at this placement.
    func remoteChild(_ placement: Placement) throws(StateError) -> NodeID?
    /// All live nodes that the remote tree has beneath this one directly, in the order of their names.
    func remoteChildren(of parent: NodeID) throws(StateError) -> [NodeID]
    /// Some live node whose remote payload has this content.
    func remoteNode(content: ContentID) throws(StateError) -> NodeID?

    /// Nodes that are not in sync, at most `limit`, with ids after `after` (nil: from the first), in the
    /// order of their ids.
    func unsynced(after: NodeID?, limit: Int) throws(StateError) -> [NodeID]
    /// All nodes with ids after `after`, at most `limit`, in the order of their ids.
    func nodes(after: NodeID?, limit: Int) throws(StateError) -> [NodeID]

    /// How far the change feed was followed; nil before the first page. Where it was before stays as a
    /// landmark.
    var cursor: Cursor? { get }
    func setCursor(_ cursor: Cursor?) throws(StateError)

    /// At most `Landmark.limit`, in the order of their revisions.
    func landmarks() throws(StateError) -> [Landmark]
    /// Keeps a point that the hub told of and that the feed has not reached yet.
    func addLandmark(_ landmark: Landmark) throws(StateError)
    /// Forgets the landmarks of another history than the one that is followed.
    func removeLandmarks(after revision: Revision) throws(StateError)

    /// Keeps in mind at which revision the hub removed a node; of the last few thousand of them.
    func noteRemoval(of node: NodeID, at revision: Revision) throws(StateError)
    func removal(of node: NodeID) throws(StateError) -> Revision?
    func forgetRemovals(after revision: Revision) throws(StateError)

    /// Up to which revision the bases of nodes without a remote state have their history in common with the
    /// hub; nil while the hub's history is the one that was always followed.
    var fork: Revision? { get }
    func setFork(_ fork: Revision?) throws(StateError)

    /// The batch that was sent to the hub and whose answer is not known yet; it outlives the connection and
    /// the engine that sent it.
    var unanswered: UnansweredBatch? { get }
    func setUnanswered(_ batch: UnansweredBatch?) throws(StateError)

    /// Why the folder is held, as long as nobody said what is meant; it outlives the engine that found it.
    var hold: Hold? { get }
    func setHold(_ hold: Hold?) throws(StateError)

    /// The bytes of the rules in force for what is left out, as they were last read; empty: none. Nil as long
    /// as they were never read.
    var ignoreRules: [UInt8]? { get }
    func setIgnoreRules(_ bytes: [UInt8]?) throws(StateError)

    /// How many nodes are known.
    var nodeCount: Int { get }

    /// The nodes that have former states, in the order of their ids.
    func nodesWithFormerStates() throws(StateError) -> [NodeID]
    /// The states that the folder may hold of this node unknown to the local tree, in the order in which they
    /// were added.
    func formerStates(of node: NodeID) throws(StateError) -> [NodeState]
    /// The nodes that have a former state with this placement, in the order of their ids.
    func nodesFormerly(at placement: Placement) throws(StateError) -> [NodeID]
    func addFormerState(_ state: NodeState, of node: NodeID) throws(StateError)
    func removeFormerStates(of node: NodeID) throws(StateError)

    /// The chunk list of a content with more than one chunk, if it is known here.
    func manifest(_ content: ContentID) throws(StateError) -> Manifest?
    func putManifest(_ manifest: Manifest, for content: ContentID) throws(StateError)
}

extension ReplicaStore {
    package func expectNew(_ id: NodeID) {}

    /// All nodes that the local tree has beneath this one directly, in the order of their names.
    package func localChildren(of parent: NodeID) throws(StateError) -> [NodeID] {
        try localChildren(of: parent, limit: .max)
    }
}
