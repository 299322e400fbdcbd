// SPDX-License-Identifier: Apache-2.0

/// The fixed statements of a replica. Each names its index, so that a wrong plan is an error, not a delay.
enum ReplicaQuery: Int, CaseIterable {
    case node, insert, delete
    case localChild, localChildren, localChildStates, localIdentity, localContent, localMention
    case remoteChild, remoteChildren, remoteContent
    case unsynced, nodes, counts
    case meta, setMeta, deleteMeta
    case manifest, putManifest, manifests, deleteManifest
    case moveDevice
    case putRemoval, trimRemovals, removal, deleteRemovals
    case landmarks, countLandmarks, putLandmark, deleteLandmark, deleteLandmarks
    case formerNodes, formerStates, nodesFormerly, addFormer, deleteFormer

    /// How many removals are kept.
    static let limitRemovals = 16384

    var sql: String {
        switch self {
        case .node: "SELECT \(ReplicaColumns.all.names.joined(separator: ", ")) FROM node WHERE id = ?"
        case .insert:
            "INSERT INTO node (\((ReplicaColumns.all.names + ["id"]).joined(separator: ", "))) VALUES ("
                + [String](repeating: "?", count: ReplicaColumns.all.names.count + 1).joined(separator: ", ")
                + ")"
        case .delete: "DELETE FROM node WHERE id = ?"
        case .meta: "SELECT value FROM meta WHERE key = ?"
        case .setMeta: "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"
        case .deleteMeta: "DELETE FROM meta WHERE key = ?"
        case .manifest: "SELECT chunks FROM manifest WHERE content = ?"
        case .putManifest: "INSERT OR IGNORE INTO manifest (content, chunks) VALUES (?, ?)"
        case .manifests: "SELECT content FROM manifest WHERE content > ? ORDER BY content LIMIT ?"
        case .deleteManifest: "DELETE FROM manifest WHERE content = ?"
        case .counts:
            """
            SELECT (SELECT count(*) FROM node INDEXED BY sqlite_autoindex_node_1),
                (SELECT count(*) FROM node INDEXED BY node_unsynced WHERE unsynced = 1)
            """
        case .moveDevice: "UPDATE node SET local_device = ? WHERE local_device = ?"
        case .putRemoval: "INSERT OR REPLACE INTO removal (node, revision) VALUES (?, ?)"
        case .trimRemovals:
            "DELETE FROM removal WHERE rowid <= (SELECT max(rowid) FROM removal) - \(Self.limitRemovals)"
        case .removal: "SELECT revision FROM removal WHERE node = ?"
        case .deleteRemovals: "DELETE FROM removal WHERE revision > ?"
        case .landmarks: "SELECT revision, chain FROM landmark ORDER BY revision"
        case .countLandmarks: "SELECT count(*) FROM landmark"
        case .putLandmark: "INSERT OR REPLACE INTO landmark (revision, chain) VALUES (?, ?)"
        case .deleteLandmark: "DELETE FROM landmark WHERE revision = ?"
        case .deleteLandmarks: "DELETE FROM landmark WHERE revision > ?"
        default: formerStates ?? lookup
        }
    }

    private var formerStates: String? {
        switch self {
        case .formerNodes: "SELECT DISTINCT node FROM former ORDER BY node"
        case .formerStates:
            "SELECT \(FacetColumns.state.joined(separator: ", ")) FROM former WHERE node = ? ORDER BY rowid"
        case .nodesFormerly:
            "SELECT DISTINCT node FROM former WHERE parent = ? AND name = ? ORDER BY node"
        case .addFormer:
            "INSERT INTO former (\((["node"] + FacetColumns.state).joined(separator: ", "))) VALUES ("
                + [String](repeating: "?", count: FacetColumns.stateCount + 1).joined(separator: ", ") + ")"
        case .deleteFormer: "DELETE FROM former WHERE node = ?"
        default: nil
        }
    }

    private var lookup: String {
        switch self {
        case .localChild:
            """
            SELECT id FROM node INDEXED BY node_local_placement
            WHERE local_parent = ? AND local_name = ? LIMIT 1
            """
        case .localChildren:
            """
            SELECT id FROM node INDEXED BY node_local_placement
            WHERE local_parent = ? ORDER BY local_name, id LIMIT ?
            """
        case .localChildStates:
            """
            SELECT id, \(ReplicaColumns.local.names.joined(separator: ", "))
            FROM node INDEXED BY node_local_placement WHERE local_parent = ? ORDER BY local_name, id
            """
        case .localIdentity:
            """
            SELECT id FROM node INDEXED BY node_local_inode
            WHERE local_device = ? AND local_inode = ? AND local_born = ? AND local_born_ns = ?
            """
        case .localContent:
            """
            SELECT id FROM node INDEXED BY node_local_content
            WHERE local_content_head = ? AND local_content_tail = ? AND local_trusted = 1 LIMIT 1
            """
        case .remoteChild:
            """
            SELECT id FROM node INDEXED BY node_remote_placement
            WHERE remote_parent = ? AND remote_name = ? LIMIT 1
            """
        case .remoteChildren:
            """
            SELECT id FROM node INDEXED BY node_remote_placement
            WHERE remote_parent = ? ORDER BY remote_name, id
            """
        case .remoteContent:
            """
            SELECT id FROM node INDEXED BY node_remote_content
            WHERE remote_content_head = ? AND remote_content_tail = ? LIMIT 1
            """
        case .unsynced:
            """
            SELECT id FROM node INDEXED BY node_unsynced
            WHERE unsynced = 1 AND id > ? ORDER BY id LIMIT ?
            """
        case .nodes: "SELECT id FROM node WHERE id > ? ORDER BY id LIMIT ?"
        case .localMention:
            """
            SELECT id FROM node INDEXED BY node_local_content
            WHERE local_content_head = ? AND local_content_tail = ? LIMIT 1
            """
        default: ""
        }
    }

    /// The statement that updates these groups of a node's columns.
    static func update(_ groups: ReplicaColumns) -> String {
        "UPDATE node SET \(groups.names.map { $0 + " = ?" }.joined(separator: ", ")) WHERE id = ?"
    }
}
