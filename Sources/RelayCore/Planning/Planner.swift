// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What is to be done about one node, seen alone. Parents, names that are taken and files that are busy are
/// the engine's concern.
package enum NodePlan: Hashable, Sendable {
    /// No tree but the past knows the node: its row can go.
    case forget
    /// The hub gets the node.
    case create
    /// The hub is to remove the node.
    case remove
    /// The folder gets the node.
    case fetch
    /// The folder is to lose the node.
    case discard
    /// The hub removed the node, but here it was edited or moved: it lives on under a new identity.
    case revive
    /// Both have the node.
    case merge(placement: PlacementPlan, payload: PayloadPlan)

    /// Both have the node, in the same place with the same payload.
    package static let agreed = NodePlan.merge(placement: .agreed, payload: .agreed)
}

package enum PlacementPlan: Hashable, Sendable {
    case agreed
    /// The hub is to place the node as the folder has it.
    case push
    /// The folder is to place the node as the hub has it.
    case pull
}

package enum PayloadPlan: Hashable, Sendable {
    case agreed
    /// The hub gets the folder's payload.
    case push
    /// The folder gets this payload: the hub's, or the hub's merged with a local change of mode.
    case pull(Payload)
    /// The folder gets the hub's payload, and the local one becomes a conflict copy.
    case conflict
}

/// Decides for one node from its three states: a pure function.
///
/// The hub's order decides every race; a clock never does. Nothing that exists on one side only is ever
/// given up: an edit or a move beats a removal, two different contents both stay. An empty file has no
/// content that could be lost: it gives way.
package enum Planner {
    /// The plan for a node whose local payload, if it has one, is known.
    package static func plan(base: NodeState?, local: LocalView?, remote: RemoteState?) -> NodePlan {
        switch (local, remote) {
        case (nil, nil), (nil, .removed): .forget
        case (nil, .live(let remote)): planAbsent(base: base, remote: remote)
        case (.some, nil): .create
        case (.some(let local), .removed): planRemoved(base: base, local: local)
        case (.some(let local), .live(let remote)):
            .merge(
                placement: planPlacement(base: base, local: local.placement, remote: remote),
                payload: planPayload(base: base, local: local.payload, remote: remote))
        }
    }

    /// The folder does not have it, the hub does.
    private static func planAbsent(base: NodeState?, remote: NodeState) -> NodePlan {
        guard let base, base.placementRevision == remote.placementRevision else { return .fetch }
        if SeededBug.removesUnseenEdits.isMade { return .remove }
        // A directory's mode is not worth keeping the directory for.
        if remote.payload.kind == .directory { return .remove }
        return base.payloadRevision == remote.payloadRevision ? .remove : .fetch
    }

    /// The folder has it, the hub removed it.
    private static func planRemoved(base: NodeState?, local: LocalView) -> NodePlan {
        if SeededBug.removesEdits.isMade { return .discard }
        guard let base, base.placement == local.placement else { return .revive }
        return base.payload.hasSameContent(as: local.payload) ? .discard : .revive
    }

    private static func planPlacement(
        base: NodeState?, local: Placement, remote: NodeState
    ) -> PlacementPlan {
        if local == remote.placement { return .agreed }
        guard let base, base.placementRevision == remote.placementRevision, base.placement != local else {
            return .pull
        }
        return .push
    }

    private static func planPayload(base: NodeState?, local: Payload, remote: NodeState) -> PayloadPlan {
        if local == remote.payload { return .agreed }
        guard let base else {
            let isSame = local.hasSameContent(as: remote.payload)
            return isSame || local.isEmptyFile ? .pull(remote.payload) : .conflict
        }
        let isRemoteChanged = base.payloadRevision != remote.payloadRevision
        let isLocalChanged = base.payload != local
        guard isLocalChanged else { return .pull(remote.payload) }
        guard isRemoteChanged else { return .push }
        return planBothChanged(base: base.payload, local: local, remote: remote.payload)
    }

    private static func planBothChanged(base: Payload, local: Payload, remote: Payload) -> PayloadPlan {
        switch (base, local, remote) {
        case (.file(let base), .file(let local), .file(let remote)):
            return planBothChanged(base: base, local: local, remote: remote)
        case (_, .directory, .directory):
            return .pull(remote)
        default:
            if local.hasSameContent(as: remote) || local.hasSameContent(as: base) { return .pull(remote) }
            return remote.hasSameContent(as: base) ? .push : .conflict
        }
    }

    /// Content (with its mtime) and mode merge by themselves: whoever did not change one takes the other's.
    private static func planBothChanged(
        base: FilePayload, local: FilePayload, remote: FilePayload
    ) -> PayloadPlan {
        let isLocalNew = local.content != base.content
        let isRemoteNew = remote.content != base.content
        if isLocalNew && isRemoteNew && local.content != remote.content {
            if local.sizeBytes == 0 { return .pull(.file(remote)) }
            return SeededBug.losesConflicts.isMade ? .pull(.file(remote)) : .conflict
        }
        var merged = isLocalNew && !isRemoteNew ? local : remote
        merged.mode = local.mode != base.mode && remote.mode == base.mode ? local.mode : remote.mode
        return merged == local ? .push : .pull(.file(merged))
    }
}

/// The folder's side of a node, once its content is known.
package struct LocalView: Hashable, Sendable {
    package var placement: Placement
    package var payload: Payload

    package init(placement: Placement, payload: Payload) {
        self.placement = placement
        self.payload = payload
    }

    /// Nil while a file's content is not known.
    package init?(_ local: LocalState) {
        guard let payload = local.payload else { return nil }
        self.init(placement: local.placement, payload: payload)
    }
}
