// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension SQLStatement {
    /// Binds these groups of the node's columns, in order; returns the parameter after them.
    func bind(_ node: ReplicaNode, _ groups: ReplicaColumns, first: Int32) -> Int32 {
        var index = first
        if groups.contains(.flags) {
            bind(index, node.isInSync ? 0 : 1)
            if let origin = node.origin { bind(index + 1, origin.raw) } else { bindNull(index + 1) }
            index += 2
        }
        if groups.contains(.base) {
            let form = BaseForm(node)
            bind(index, form.code)
            if case .own(let state) = form { bindState(index + 1, state) } else { bindState(index + 1, nil) }
            index += 13
        }
        index = bindLocal(node.local, groups, first: index)
        return bindRemote(node.remote, groups, first: index)
    }

    private func bindLocal(_ local: LocalState?, _ groups: ReplicaColumns, first: Int32) -> Int32 {
        var index = first
        if groups.contains(.localPlacement) {
            bindPlacement(index, local?.placement)
            index += 2
        }
        if groups.contains(.localIdentity) {
            if let identity = local?.fingerprint.identity {
                bindIdentity(index, identity)
            } else {
                bindNulls(index, 4)
            }
            index += 4
        }
        if groups.contains(.localFound) {
            if let local { bindFound(index, local) } else { bindNulls(index, 8) }
            index += 8
        }
        if groups.contains(.localPayload) {
            bindPayload(index, local?.payload)
            index += 8
        }
        return index
    }

    func bindIdentity(_ first: Int32, _ identity: FileIdentity) {
        bind(first, bits: identity.device)
        bind(first + 1, bits: identity.inode)
        bindTime(first + 2, identity.born)
    }

    private func bindFound(_ first: Int32, _ local: LocalState) {
        bind(first, Int64(local.kind.rawValue))
        bind(first + 1, bits: local.fingerprint.sizeBytes)
        bindTime(first + 2, local.fingerprint.modified)
        bindTime(first + 4, local.fingerprint.changed)
        bind(first + 6, Int64(local.fingerprint.mode))
        bind(first + 7, local.isTrusted ? 1 : 0)
    }

    private func bindRemote(_ remote: RemoteState?, _ groups: ReplicaColumns, first: Int32) -> Int32 {
        var index = first
        let state = remote?.state
        if groups.contains(.remotePlacement) {
            bindPlacement(index, state?.placement)
            index += 2
        }
        if groups.contains(.remotePayload) {
            bindPayload(index, state?.payload)
            index += 8
        }
        if groups.contains(.remoteRevisions) {
            bindNulls(index, 3)
            if let state {
                bind(index, bits: state.placementRevision.number)
                bind(index + 1, bits: state.payloadRevision.number)
            }
            if case .removed(let revision) = remote { bind(index + 2, bits: revision.number) }
            index += 3
        }
        return index
    }

    /// Reads a row of all groups' columns, in order from column 0.
    func replicaNode(_ id: NodeID) throws(StateError) -> ReplicaNode {
        var node = ReplicaNode(id: id)
        if !isNull(1) { node.origin = NodeID(try bytes16(1)) }
        node.remote = try remoteState(37)
        switch integer(2) {
        case 0: break
        case 1: node.base = try state(3)
        case 2:
            guard let state = node.remote?.state else { throw damaged(2) }
            node.base = state
        default: throw damaged(2)
        }
        if !isNull(15) { node.local = try localState(15) }
        return node
    }

    /// Reads the columns of `ReplicaColumns.local`, in order from this one, where there is a local state.
    func localState(_ first: Int32) throws(StateError) -> LocalState {
        let identity = FileIdentity(
            device: bits(first + 2), inode: bits(first + 3), born: try time(first + 4))
        guard let kind = NodeKind(rawValue: try number(first + 6)) else { throw damaged(first + 6) }
        let fingerprint = Fingerprint(
            identity: identity, sizeBytes: bits(first + 7), modified: try time(first + 8),
            changed: try time(first + 10), mode: try number(first + 12))
        return LocalState(
            placement: try placement(first), kind: kind,
            payload: isNull(first + 14) ? nil : try payload(first + 14), fingerprint: fingerprint,
            isTrusted: integer(first + 13) != 0)
    }

    private func remoteState(_ first: Int32) throws(StateError) -> RemoteState? {
        if !isNull(first) {
            return .live(
                NodeState(
                    placement: try placement(first), placementRevision: Revision(bits(first + 10)),
                    payload: try payload(first + 2), payloadRevision: Revision(bits(first + 11))))
        }
        return isNull(first + 12) ? nil : .removed(Revision(bits(first + 12)))
    }
}
