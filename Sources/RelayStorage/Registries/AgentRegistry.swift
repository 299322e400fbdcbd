// SPDX-License-Identifier: Apache-2.0

import GRDB
package import RelayCore

/// A folder that an agent keeps equal to a share.
package struct FolderRecord: Hashable, Sendable {
    /// The folder's absolute path.
    package var path: String
    /// The share's name.
    package var share: String
    package var hubHost: String
    package var hubPort: Int
    /// The hub's pinned identity.
    package var hub: DeviceID
    /// What the folder's root is recognised by, encoded by its owner.
    package var root: [UInt8]
    /// The name of the replica's file in the agent's state directory.
    package var replicaFile: String

    package init(
        path: String, share: String, hubHost: String, hubPort: Int, hub: DeviceID, root: [UInt8],
        replicaFile: String
    ) {
        self.path = path
        self.share = share
        self.hubHost = hubHost
        self.hubPort = hubPort
        self.hub = hub
        self.root = root
        self.replicaFile = replicaFile
    }
}

/// What an agent knows besides the folders' own replicas: which folders it keeps, and with what.
package final class AgentRegistry: Sendable {
    private let file: RegistryFile

    /// Opens the registry at this path; makes it if it is not there.
    package init(path: String) throws(StateError) {
        file = try RegistryFile(path: path, schema: .agentRegistry)
    }

    /// Lets the file go; every later call throws.
    package func close() { file.close() }

    /// All folders in the order of their paths.
    package func folders() throws(StateError) -> [FolderRecord] {
        try file.run("read") { db in
            try Row.fetchAll(db, sql: "SELECT * FROM folder ORDER BY path").map(FolderRecord.init(row:))
        }
    }

    /// The folder at this path.
    package func folder(path: String) throws(StateError) -> FolderRecord? {
        try file.run("read") { db in
            try Row.fetchOne(db, sql: "SELECT * FROM folder WHERE path = ?", arguments: [path])
                .map(FolderRecord.init(row:))
        }
    }

    /// Keeps the folder, in place of what was known of one at its path.
    package func put(_ folder: FolderRecord) throws(StateError) {
        try file.run("write") { db in
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO folder
                    (path, share, hub_host, hub_port, hub, root, replica_file) VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    folder.path, folder.share, folder.hubHost, folder.hubPort, folder.hub.stored,
                    folder.root.stored, folder.replicaFile,
                ])
        }
    }

    /// Forgets the folder at this path, if it is known.
    package func remove(path: String) throws(StateError) {
        try file.run("write") { db in
            try db.execute(sql: "DELETE FROM folder WHERE path = ?", arguments: [path])
        }
    }
}

extension FolderRecord {
    fileprivate init(row: Row) throws {
        self.init(
            path: row["path"], share: row["share"], hubHost: row["hub_host"], hubPort: row["hub_port"],
            hub: DeviceID(try row.bytes32("hub")), root: row.bytes("root"), replicaFile: row["replica_file"])
    }
}

extension StateSchema {
    fileprivate static let agentRegistry = StateSchema(
        noun: "agent registry", applicationID: 0x524c_5961,
        advice: "move it away and join the folders again; no file is lost",
        durability: .full, cacheKibibytes: 1024, migrations: [agentRegistry1])

    private static let agentRegistry1 = """
        CREATE TABLE folder (
            path TEXT NOT NULL PRIMARY KEY,
            share TEXT NOT NULL,
            hub_host TEXT NOT NULL,
            hub_port INTEGER NOT NULL,
            hub BLOB NOT NULL,
            root BLOB NOT NULL,
            replica_file TEXT NOT NULL UNIQUE
        ) STRICT;
        """
}
