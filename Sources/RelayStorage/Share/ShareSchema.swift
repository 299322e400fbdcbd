// SPDX-License-Identifier: Apache-2.0

extension StateSchema {
    /// A hub's index of one share.
    static let shareIndex = StateSchema(
        noun: "share index", applicationID: 0x524c_5969,
        advice: "stop the hub and put back the file (with its -wal, if there was one) or a copy of it; the"
            + " agents still have their files, and bring back what the copy lacks; without one, make the"
            + " index anew with relay-server rebuild SHARE",
        durability: .full, cacheKibibytes: 24576, migrations: [shareIndex1, shareIndex2, shareIndex3])

    /// A node's latest record is the version of its revision; `node` adds what has to be unique and found.
    private static let shareIndex1 = """
        CREATE TABLE device (
            number INTEGER PRIMARY KEY,
            id BLOB NOT NULL UNIQUE,
            applied_revision INTEGER
        ) STRICT;
        CREATE TABLE version (
            revision INTEGER PRIMARY KEY,
            node BLOB NOT NULL,
            device INTEGER NOT NULL REFERENCES device (number),
            origin BLOB,
            chain BLOB NOT NULL,
            \(FacetColumns.definitions("", FacetColumns.state))
        ) STRICT;
        CREATE INDEX version_node ON version (node);
        CREATE INDEX version_content ON version (content_head) WHERE content_head IS NOT NULL;
        CREATE TABLE node (
            id BLOB NOT NULL PRIMARY KEY,
            revision INTEGER NOT NULL,
            parent BLOB,
            name BLOB
        ) STRICT;
        CREATE UNIQUE INDEX node_revision ON node (revision);
        CREATE UNIQUE INDEX node_placement ON node (parent, name) WHERE parent IS NOT NULL;
        CREATE TABLE content (
            id BLOB NOT NULL PRIMARY KEY,
            size INTEGER NOT NULL,
            chunks BLOB NOT NULL
        ) STRICT;
        CREATE TABLE chunk (
            id BLOB NOT NULL PRIMARY KEY,
            segment INTEGER NOT NULL,
            offset INTEGER NOT NULL,
            stored INTEGER NOT NULL,
            size INTEGER NOT NULL,
            encoding INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE answer (
            number INTEGER PRIMARY KEY,
            device INTEGER NOT NULL REFERENCES device (number),
            batch BLOB NOT NULL,
            decided INTEGER NOT NULL,
            answers BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX answer_batch ON answer (device, batch);
        CREATE INDEX answer_age ON answer (device, number);
        CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
        """

    /// Chunks in the order in which they lie, to be verified; and what was found damaged, with the place
    /// where its bytes still are.
    private static let shareIndex2 = """
        CREATE INDEX chunk_place ON chunk (segment, offset, stored);
        CREATE TABLE damage (
            segment INTEGER NOT NULL,
            offset INTEGER NOT NULL,
            chunk BLOB NOT NULL,
            stored INTEGER NOT NULL,
            size INTEGER NOT NULL,
            encoding INTEGER NOT NULL,
            content BLOB,
            PRIMARY KEY (segment, offset)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX damage_chunk ON damage (chunk);
        """

    /// What nothing refers to any more, and the age of the share from which on it may go; and which revision
    /// the share had reached at which age.
    private static let shareIndex3 = """
        CREATE TABLE dead_chunk (id BLOB NOT NULL PRIMARY KEY, due INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE INDEX dead_chunk_due ON dead_chunk (due);
        CREATE TABLE dead_content (
            id BLOB NOT NULL PRIMARY KEY,
            due INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX dead_content_due ON dead_content (due);
        CREATE TABLE moment (age INTEGER PRIMARY KEY, revision INTEGER NOT NULL) STRICT;
        """
}
