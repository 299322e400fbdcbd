// SPDX-License-Identifier: Apache-2.0

/// The statements of a share's index.
enum ShareQuery: Int, CaseIterable {
    case record, child, hasChildren, children, recordsAfter, versions
    case head, chain, putVersion, touchNode, putNode
    case devices, addDevice, setApplied, removeApplied, allApplied
    case answers, putAnswers, forgetAnswers
    case manifest, putManifest, isReferenced, authors
    case location, putLocation, removeLocation
    case meta, setMeta

    private static let recordColumns =
        "version.revision, version.node, version.device, version.origin, "
        + FacetColumns.state.map { "version." + $0 }.joined(separator: ", ")

    var sql: String {
        switch self {
        case .record:
            """
            SELECT \(Self.recordColumns) FROM node JOIN version ON version.revision = node.revision
            WHERE node.id = ?
            """
        case .recordsAfter:
            """
            SELECT \(Self.recordColumns)
            FROM node INDEXED BY node_revision JOIN version ON version.revision = node.revision
            WHERE node.revision > ? ORDER BY node.revision LIMIT ?
            """
        case .versions:
            """
            SELECT \(Self.recordColumns) FROM version INDEXED BY version_node
            WHERE node = ? AND revision < ? ORDER BY revision DESC LIMIT ?
            """
        case .child: "SELECT id FROM node INDEXED BY node_placement WHERE parent = ? AND name = ?"
        case .hasChildren: "SELECT 1 FROM node INDEXED BY node_placement WHERE parent = ? LIMIT 1"
        case .children:
            """
            SELECT id FROM node INDEXED BY node_placement
            WHERE parent = ? AND name > ? ORDER BY name LIMIT ?
            """
        case .head: "SELECT revision, chain FROM version ORDER BY revision DESC LIMIT 1"
        case .chain: "SELECT chain FROM version WHERE revision = ?"
        case .putVersion:
            """
            INSERT INTO version
            (revision, node, device, origin, chain, \(FacetColumns.state.joined(separator: ", ")))
            VALUES (?, ?, ?, ?, ?, \([String](repeating: "?", count: FacetColumns.stateCount)
                .joined(separator: ", ")))
            """
        case .touchNode: "UPDATE node SET revision = ? WHERE id = ? AND parent = ? AND name = ?"
        case .putNode:
            """
            INSERT INTO node (id, revision, parent, name) VALUES (?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE
            SET revision = excluded.revision, parent = excluded.parent, name = excluded.name
            """
        default: besidesNodes
        }
    }

    private var besidesNodes: String {
        switch self {
        case .devices: "SELECT number, id FROM device"
        case .addDevice: "INSERT INTO device (number, id) VALUES (?, ?)"
        case .setApplied: "UPDATE device SET applied_revision = ? WHERE number = ?"
        case .removeApplied: "UPDATE device SET applied_revision = NULL WHERE number = ?"
        case .allApplied:
            "SELECT id, applied_revision FROM device WHERE applied_revision IS NOT NULL ORDER BY id"
        case .answers: "SELECT decided, answers FROM answer WHERE device = ? AND batch = ?"
        case .putAnswers:
            "INSERT OR REPLACE INTO answer (device, batch, decided, answers) VALUES (?, ?, ?, ?)"
        case .forgetAnswers:
            """
            DELETE FROM answer WHERE device = ?1 AND number <=
            (SELECT number FROM answer INDEXED BY answer_age
            WHERE device = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)
            """
        case .manifest: "SELECT chunks FROM content WHERE id = ?"
        case .putManifest: "INSERT OR IGNORE INTO content (id, size, chunks) VALUES (?, ?, ?)"
        case .isReferenced:
            """
            SELECT 1 FROM version INDEXED BY version_content
            WHERE content_head = ? AND content_tail = ? LIMIT 1
            """
        case .authors:
            """
            SELECT device FROM version INDEXED BY version_content
            WHERE content_head = ? AND content_tail = ? GROUP BY device ORDER BY max(revision) DESC
            """
        case .location: "SELECT segment, offset, stored, size, encoding FROM chunk WHERE id = ?"
        case .putLocation:
            """
            INSERT OR REPLACE INTO chunk (id, segment, offset, stored, size, encoding)
            VALUES (?, ?, ?, ?, ?, ?)
            """
        case .removeLocation: "DELETE FROM chunk WHERE id = ?"
        case .meta: "SELECT value FROM meta WHERE key = ?"
        case .setMeta: "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"
        default: ""
        }
    }
}
