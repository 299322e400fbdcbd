// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// The hub's rules: which operations are accepted, and what they make of a node. They read the index and
/// change nothing.
package enum CommitRules {
    package enum Decision: Hashable, Sendable {
        /// The node's new latest record, of the revision that was offered.
        case accepted(NodeRecord)
        case rejected(OperationAnswer)
    }

    /// The deepest tree that is kept.
    package static let limitDepth = RelativePath.limitDepth

    /// Decides one operation, which becomes `revision` if it is accepted.
    package static func decide(
        _ operation: Operation, as revision: Revision, by device: DeviceID, in index: some ShareIndex
    ) throws(StateError) -> Decision {
        guard operation.node != .root, operation.node != .limbo else {
            return .rejected(.refused("the share's root cannot be changed"))
        }
        let record = try index.record(operation.node)
        switch operation {
        case .create(let node, let placement, let payload, let origin):
            if let record { return .rejected(record.state == nil ? .nodeGone : .stale) }
            if let answer = try refusal(of: placement, for: nil, in: index) { return .rejected(answer) }
            let state = NodeState(
                placement: placement, placementRevision: revision, payload: payload, payloadRevision: revision
            )
            return .accepted(
                NodeRecord(node: node, revision: revision, state: state, device: device, origin: origin))
        case .place(let node, let placement, let basedOn):
            guard var state = record?.state else { return .rejected(.nodeGone) }
            guard state.placementRevision == basedOn else { return .rejected(.stale) }
            if let answer = try refusal(of: placement, for: (node, state.payload.kind), in: index) {
                return .rejected(answer)
            }
            state.placement = placement
            state.placementRevision = revision
            return .accepted(next(record, node, revision, state, device))
        case .change(let node, let payload, let basedOn):
            guard var state = record?.state else { return .rejected(.nodeGone) }
            guard state.payloadRevision == basedOn || SeededBug.acceptsStaleChanges.isMade else {
                return .rejected(.stale)
            }
            guard state.payload.kind == payload.kind else {
                return .rejected(.refused("a node cannot become another kind of node"))
            }
            state.payload = payload
            state.payloadRevision = revision
            return .accepted(next(record, node, revision, state, device))
        case .remove(let node, let placementBasedOn, let payloadBasedOn):
            guard let state = record?.state else { return .rejected(.nodeGone) }
            let isCurrent =
                state.placementRevision == placementBasedOn && state.payloadRevision == payloadBasedOn
            guard isCurrent || SeededBug.acceptsStaleRemovals.isMade else { return .rejected(.stale) }
            if state.payload.kind == .directory, !SeededBug.removesFullDirectories.isMade,
                try index.hasChildren(node)
            {
                return .rejected(.notEmpty)
            }
            return .accepted(next(record, node, revision, nil, device))
        }
    }

    private static func next(
        _ record: NodeRecord?, _ node: NodeID, _ revision: Revision, _ state: NodeState?, _ device: DeviceID
    ) -> NodeRecord {
        NodeRecord(node: node, revision: revision, state: state, device: device, origin: record?.origin)
    }

    /// Why a node cannot be placed there; nil if it can. `mover` is nil for a node that is new.
    private static func refusal(
        of placement: Placement, for mover: (node: NodeID, kind: NodeKind)?, in index: some ShareIndex
    ) throws(StateError) -> OperationAnswer? {
        if placement.parent == .root && placement.name == .relayDirectory {
            return .refused("the name .relay is reserved in a share's root")
        }
        guard try isLiveDirectory(placement.parent, in: index) else { return .parentGone }
        if let occupant = try index.child(placement), occupant != mover?.node,
            !SeededBug.acceptsTakenNames.isMade
        {
            return .nameTaken(by: occupant)
        }
        var ancestor = placement.parent
        var depth = 0
        while ancestor != .root {
            if ancestor == mover?.node { return .cycle }
            depth += 1
            guard depth < limitDepth, let state = try index.record(ancestor)?.state else {
                return .refused("the tree would be too deep")
            }
            ancestor = state.placement.parent
        }
        return nil
    }

    private static func isLiveDirectory(
        _ node: NodeID, in index: some ShareIndex
    ) throws(StateError) -> Bool {
        if node == .root { return true }
        return try index.record(node)?.state?.payload.kind == .directory
    }
}
