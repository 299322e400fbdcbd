// SPDX-License-Identifier: Apache-2.0

extension StateSchema {
    /// An agent's three trees of one share.
    static let replica = StateSchema(
        noun: "agent state", applicationID: 0x524c_5972,
        advice: "move it away and start again: it is rebuilt from the folder and the hub, nothing is lost",
        durability: .normal, cacheKibibytes: 32768, migrations: [replica1, replica2, replica3])

    /// `base_form` and the other forms are those of `ReplicaColumns`. Rows have a rowid, so that rows written
    /// together lie together: the ids are random. Lookups are answered by the indexes alone. No index is
    /// unique but the node's own: within a transaction the trees may pass through states that no folder has.
    private static let replica1 = """
        CREATE TABLE node (
            id BLOB NOT NULL UNIQUE,
            unsynced INTEGER NOT NULL,
            origin BLOB,
            base_form INTEGER NOT NULL,
            \(FacetColumns.definitions("base_", FacetColumns.state)),
            \(FacetColumns.definitions("local_", FacetColumns.placement)),
            local_device INTEGER,
            local_inode INTEGER,
            local_born INTEGER,
            local_born_ns INTEGER,
            local_found_kind INTEGER,
            local_found_size INTEGER,
            local_found_mtime INTEGER,
            local_found_mtime_ns INTEGER,
            local_found_ctime INTEGER,
            local_found_ctime_ns INTEGER,
            local_found_mode INTEGER,
            local_trusted INTEGER,
            \(FacetColumns.definitions("local_", FacetColumns.payload)),
            \(FacetColumns.definitions("remote_", FacetColumns.placement)),
            \(FacetColumns.definitions("remote_", FacetColumns.payload)),
            remote_placement_revision INTEGER,
            remote_payload_revision INTEGER,
            remote_removed INTEGER
        ) STRICT;
        CREATE INDEX node_unsynced ON node (id) WHERE unsynced = 1;
        CREATE INDEX node_local_placement ON node (local_parent, local_name, id)
            WHERE local_parent IS NOT NULL;
        CREATE INDEX node_local_inode ON node (local_inode) WHERE local_inode IS NOT NULL;
        CREATE INDEX node_local_content ON node (local_content_head)
            WHERE local_content_head IS NOT NULL;
        CREATE INDEX node_remote_placement ON node (remote_parent, remote_name, id)
            WHERE remote_parent IS NOT NULL;
        CREATE INDEX node_remote_content ON node (remote_content_head)
            WHERE remote_content_head IS NOT NULL;
        CREATE TABLE manifest (content BLOB NOT NULL PRIMARY KEY, chunks BLOB NOT NULL) STRICT;
        CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
        """

    /// Former states: mostly none at all.
    private static let replica2 = """
        CREATE TABLE former (
            node BLOB NOT NULL,
            \(FacetColumns.definitions("", FacetColumns.state))
        ) STRICT;
        CREATE INDEX former_node ON former (node);
        CREATE INDEX former_placement ON former (parent, name);
        """

    /// Where in the hub's history the agent was, and what the hub removed.
    private static let replica3 = """
        CREATE TABLE landmark (revision INTEGER NOT NULL PRIMARY KEY, chain BLOB NOT NULL) STRICT;
        CREATE TABLE removal (node BLOB NOT NULL UNIQUE, revision INTEGER NOT NULL) STRICT;
        """
}
