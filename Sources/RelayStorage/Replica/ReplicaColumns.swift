// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// The columns of a node's row in groups that are written together. An update writes the groups that differ
/// from the row before, so that it touches no index that it need not.
struct ReplicaColumns: OptionSet {
    let rawValue: Int

    static let flags = ReplicaColumns(rawValue: 1 << 0)
    static let base = ReplicaColumns(rawValue: 1 << 1)
    static let localPlacement = ReplicaColumns(rawValue: 1 << 2)
    static let localIdentity = ReplicaColumns(rawValue: 1 << 3)
    static let localFound = ReplicaColumns(rawValue: 1 << 4)
    static let localPayload = ReplicaColumns(rawValue: 1 << 5)
    static let remotePlacement = ReplicaColumns(rawValue: 1 << 6)
    static let remotePayload = ReplicaColumns(rawValue: 1 << 7)
    static let remoteRevisions = ReplicaColumns(rawValue: 1 << 8)

    /// All of the local tree.
    static let local: ReplicaColumns = [.localPlacement, .localIdentity, .localFound, .localPayload]

    /// How many sets of groups there are.
    static let combinations = 1 << 9
    static let all = ReplicaColumns(rawValue: combinations - 1)

    /// The groups in the order of their columns, with the names of the columns.
    private static let groups: [(ReplicaColumns, [String])] = [
        (.flags, ["unsynced", "origin"]),
        (.base, ["base_form"] + FacetColumns.prefixed("base_", FacetColumns.state)),
        (.localPlacement, FacetColumns.prefixed("local_", FacetColumns.placement)),
        (.localIdentity, ["local_device", "local_inode", "local_born", "local_born_ns"]),
        (
            .localFound,
            FacetColumns.prefixed(
                "local_found_", ["kind", "size", "mtime", "mtime_ns", "ctime", "ctime_ns", "mode"])
                + ["local_trusted"]
        ),
        (.localPayload, FacetColumns.prefixed("local_", FacetColumns.payload)),
        (.remotePlacement, FacetColumns.prefixed("remote_", FacetColumns.placement)),
        (.remotePayload, FacetColumns.prefixed("remote_", FacetColumns.payload)),
        (
            .remoteRevisions,
            ["remote_placement_revision", "remote_payload_revision", "remote_removed"]
        ),
    ]

    /// The names of the columns of these groups, in order.
    var names: [String] { Self.groups.filter { contains($0.0) }.flatMap { $0.1 } }

    /// The groups in which two rows of one node differ.
    static func differing(_ old: ReplicaNode, _ new: ReplicaNode) -> ReplicaColumns {
        var result: ReplicaColumns = []
        if old.isInSync != new.isInSync || old.origin != new.origin { result.insert(.flags) }
        if BaseForm(old) != BaseForm(new) { result.insert(.base) }
        if old.local != new.local {
            result.formUnion(differing(local: old.local, new.local))
        }
        if old.remote != new.remote {
            result.formUnion(differing(remote: old.remote, new.remote))
        }
        return result
    }

    private static func differing(local old: LocalState?, _ new: LocalState?) -> ReplicaColumns {
        guard let old, let new else {
            return .local
        }
        var result: ReplicaColumns = []
        if old.placement != new.placement { result.insert(.localPlacement) }
        if old.fingerprint.identity != new.fingerprint.identity { result.insert(.localIdentity) }
        if old.fingerprint != new.fingerprint || old.kind != new.kind || old.isTrusted != new.isTrusted {
            result.insert(.localFound)
        }
        if old.payload != new.payload { result.insert(.localPayload) }
        return result
    }

    private static func differing(remote old: RemoteState?, _ new: RemoteState?) -> ReplicaColumns {
        guard case .live(let old) = old, case .live(let new) = new else {
            return [.remotePlacement, .remotePayload, .remoteRevisions]
        }
        var result: ReplicaColumns = [.remoteRevisions]
        if old.placement != new.placement { result.insert(.remotePlacement) }
        if old.payload != new.payload { result.insert(.remotePayload) }
        return result
    }
}

/// How a row keeps the base: mostly it is the remote state, and then it takes no room of its own.
enum BaseForm: Equatable {
    case none
    case own(NodeState)
    case asRemote

    init(_ node: ReplicaNode) {
        self =
            if let base = node.base {
                base == node.remote?.state ? .asRemote : .own(base)
            } else {
                .none
            }
    }

    /// The value of `base_form`.
    var code: Int64 {
        switch self {
        case .none: 0
        case .own: 1
        case .asRemote: 2
        }
    }
}
