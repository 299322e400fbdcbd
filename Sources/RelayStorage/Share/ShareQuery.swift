// SPDX-License-Identifier: Apache-2.0

/// The statements of a share's index.
enum ShareQuery: Int, CaseIterable {
    case record, child, hasChildren, children, recordsAfter, versions
    case head, chain, putVersion, touchNode, putNode
    case devices, addDevice, setApplied, removeApplied, allApplied
    case answers, putAnswers, forgetAnswers
    case manifest, putManifest, isReferenced, authors
    case location, putLocation, removeLocation
    case chunksFrom, lastChunk, lastDamage, chunkCount, check
    case putDamage, removeDamage, restoreLocation, damage, damageCount, nameDamage
    case contents, currentNode, newestVersion
    case lastMoment, putMoment, horizon, forgetMoments, isRetained
    case markChunk, markContent, isMarked, anyMark, unmarkChunk, unmarkContent
    case dueChunks, dueContents, removeChunk, removeContent, isDamaged, forgetDamagedChunk
    case liveBytes, moveChunk, unhealedDamage, forgetDamage
    case meta, setMeta, removeMeta

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
        case .removeLocation: "DELETE FROM chunk WHERE id = ? AND segment = ? AND offset = ?"
        case .meta: "SELECT value FROM meta WHERE key = ?"
        case .setMeta: "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"
        case .removeMeta: "DELETE FROM meta WHERE key = ?"
        default: verification
        }
    }

    private var verification: String {
        switch self {
        case .chunksFrom:
            """
            SELECT id, segment, offset, stored, size, encoding FROM chunk INDEXED BY chunk_place
            WHERE (segment, offset) >= (?, ?) ORDER BY segment, offset LIMIT ?
            """
        case .lastChunk:
            """
            SELECT segment, offset, stored FROM chunk INDEXED BY chunk_place
            ORDER BY segment DESC, offset DESC LIMIT 1
            """
        case .chunkCount: "SELECT count(*) FROM chunk"
        case .check: "PRAGMA quick_check(1)"
        case .lastDamage:
            "SELECT segment, offset, stored FROM damage ORDER BY segment DESC, offset DESC LIMIT 1"
        case .putDamage:
            """
            INSERT OR REPLACE INTO damage (chunk, segment, offset, stored, size, encoding, content)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """
        case .removeDamage: "DELETE FROM damage WHERE segment = ? AND offset = ?"
        case .restoreLocation:
            """
            INSERT OR IGNORE INTO chunk (id, segment, offset, stored, size, encoding)
            VALUES (?, ?, ?, ?, ?, ?)
            """
        case .damage:
            """
            SELECT damage.chunk, damage.segment, damage.offset, damage.stored, damage.size, damage.encoding,
            damage.content FROM damage
            WHERE (segment, offset) >= (?, ?)
            AND NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.id = damage.chunk)
            ORDER BY segment, offset LIMIT ?
            """
        case .damageCount:
            """
            SELECT count(*), count(chunk.id) FROM damage LEFT JOIN chunk ON chunk.id = damage.chunk
            """
        case .nameDamage: "UPDATE damage SET content = ? WHERE chunk = ?"
        case .contents: "SELECT id, chunks FROM content WHERE id > ? ORDER BY id LIMIT ?"
        case .currentNode:
            """
            SELECT node.id FROM version INDEXED BY version_content
            JOIN node ON node.id = version.node AND node.revision = version.revision
            WHERE content_head = ? AND content_tail = ? ORDER BY version.revision DESC LIMIT 1
            """
        case .newestVersion:
            """
            SELECT node, revision FROM version INDEXED BY version_content
            WHERE content_head = ? AND content_tail = ? ORDER BY revision DESC LIMIT 1
            """
        default: collection
        }
    }

    private var collection: String {
        switch self {
        case .lastMoment: "SELECT revision FROM moment ORDER BY age DESC LIMIT 1"
        case .putMoment: "INSERT OR REPLACE INTO moment (age, revision) VALUES (?, ?)"
        case .horizon: "SELECT age, revision FROM moment WHERE age <= ? ORDER BY age DESC LIMIT 1"
        case .forgetMoments: "DELETE FROM moment WHERE age < ?"
        case .isRetained:
            // The content of a version that had no successor yet when the horizon was reached.
            """
            SELECT 1 FROM version INDEXED BY version_content
            WHERE content_head = ? AND content_tail = ? AND NOT EXISTS (
                SELECT 1 FROM version AS next INDEXED BY version_node
                WHERE next.node = version.node AND next.revision > version.revision AND next.revision <= ?
            ) LIMIT 1
            """
        case .markChunk: "INSERT OR IGNORE INTO dead_chunk (id, due) VALUES (?, ?)"
        case .markContent: "INSERT OR IGNORE INTO dead_content (id, due) VALUES (?, ?)"
        case .isMarked: "SELECT 1 FROM dead_content WHERE id = ?"
        case .anyMark:
            "SELECT EXISTS (SELECT 1 FROM dead_chunk) OR EXISTS (SELECT 1 FROM dead_content)"
        case .unmarkChunk: "DELETE FROM dead_chunk WHERE id = ?"
        case .unmarkContent: "DELETE FROM dead_content WHERE id = ?"
        case .dueChunks: "SELECT id FROM dead_chunk INDEXED BY dead_chunk_due WHERE due <= ? LIMIT ?"
        case .dueContents: "SELECT id FROM dead_content INDEXED BY dead_content_due WHERE due <= ? LIMIT ?"
        case .removeChunk: "DELETE FROM chunk WHERE id = ?"
        case .isDamaged: "SELECT 1 FROM damage INDEXED BY damage_chunk WHERE chunk = ? LIMIT 1"
        case .forgetDamagedChunk: "DELETE FROM damage WHERE chunk = ?"
        case .removeContent: "DELETE FROM content WHERE id = ?"
        case .liveBytes:
            "SELECT count(*), coalesce(sum(stored), 0) FROM chunk INDEXED BY chunk_place WHERE segment = ?"
        case .moveChunk:
            "UPDATE chunk SET segment = ?, offset = ? WHERE id = ? AND segment = ? AND offset = ?"
        case .unhealedDamage:
            """
            SELECT 1 FROM damage WHERE segment = ?
            AND NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.id = damage.chunk) LIMIT 1
            """
        case .forgetDamage: "DELETE FROM damage WHERE segment = ?"
        default: ""
        }
    }
}
