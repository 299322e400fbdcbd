// SPDX-License-Identifier: Apache-2.0

import GRDB
package import RelayCore

/// A share as its hub's registry knows it.
package struct ShareRecord: Hashable, Sendable {
    package var id: ShareID
    package var name: String
    package init(id: ShareID, name: String) {
        self.id = id
        self.name = name
    }
}

/// A device that is a member of a share.
package struct MemberRecord: Hashable, Sendable {
    package var id: DeviceID
    package var name: String
    package init(id: DeviceID, name: String) {
        self.id = id
        self.name = name
    }
}

/// What a hub knows besides the shares' own indexes: its shares, the devices, who is a member of what, and
/// the tokens of join links that may still be redeemed. Tokens are kept as hashes.
package final class HubRegistry: Sendable {
    let file: RegistryFile

    /// Opens the registry at this path; makes it if it is not there, unless it must be.
    package init(path: String, mustExist: Bool = false) throws(StateError) {
        file = try RegistryFile(path: path, schema: .hubRegistry, mustExist: mustExist)
    }

    /// Lets the file go; every later call throws.
    package func close() { file.close() }

    /// The share of this name.
    package func share(named name: String) throws(StateError) -> ShareRecord? {
        try file.run("read") { db in
            try Row.fetchOne(db, sql: "SELECT id, name FROM share WHERE name = ?", arguments: [name])
                .map(ShareRecord.init(row:))
        }
    }

    /// Makes a share; throws when there is one of that name or id.
    package func createShare(name: String, id: ShareID) throws(StateError) {
        try file.run("write") { db in
            let count = try Int.fetchOne(
                db, sql: "SELECT count(*) FROM share WHERE name = ? OR id = ?", arguments: [name, id.stored])
            guard count == 0 else {
                throw StateError("cannot make share \(displayText(Array(name.utf8))): there is one already")
            }
            try db.execute(sql: "INSERT INTO share (id, name) VALUES (?, ?)", arguments: [id.stored, name])
        }
    }

    /// All shares in the order of their names.
    package func shares() throws(StateError) -> [ShareRecord] {
        try file.run("read") { db in
            try Row.fetchAll(db, sql: "SELECT id, name FROM share ORDER BY name").map(ShareRecord.init(row:))
        }
    }

    /// Keeps a join link's token, which one device may redeem before `expiresAt` (seconds since 1970).
    package func addToken(hash: Bytes32, share: ShareID, expiresAt: Int64) throws(StateError) {
        try file.run("write") { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO token (hash, share, expires_at) VALUES (?, ?, ?)",
                arguments: [hash.stored, share.stored, expiresAt])
        }
    }

    /// Makes the device a member of the share by this token, which is used up; false when the token is not
    /// known, expired, or of another share, or the device's access was revoked. A device that is a member
    /// already needs no token and uses none.
    package func redeem(
        tokenHash: Bytes32, share: ShareID, device: DeviceID, name: String, now: Int64
    ) throws(StateError) -> Bool {
        try file.run("write") { db in
            try db.execute(sql: "DELETE FROM token WHERE expires_at <= ?", arguments: [now])
            guard try !Self.isMember(db, share: share, device: device) else { return true }
            guard try !Self.isRevoked(db, share: share, device: device) else { return false }
            try db.execute(
                sql: "DELETE FROM token WHERE hash = ? AND share = ?",
                arguments: [tokenHash.stored, share.stored])
            guard db.changesCount == 1 else { return false }
            try db.execute(
                sql: """
                    INSERT INTO device (id, name) VALUES (?, ?)
                    ON CONFLICT (id) DO UPDATE SET name = excluded.name
                    """, arguments: [device.stored, name])
            try db.execute(
                sql: "INSERT INTO member (share, device) VALUES (?, ?)",
                arguments: [share.stored, device.stored])
            return true
        }
    }

    /// Whether the device may follow and change the share.
    package func isMember(share: ShareID, device: DeviceID) throws(StateError) -> Bool {
        try file.run("read") { db in try Self.isMember(db, share: share, device: device) }
    }

    /// The name of a device; nil for one that never joined.
    package func device(_ id: DeviceID) throws(StateError) -> String? {
        try file.run("read") { db in
            try String.fetchOne(db, sql: "SELECT name FROM device WHERE id = ?", arguments: [id.stored])
        }
    }

    /// The members of a share in the order of their names.
    package func members(of share: ShareID) throws(StateError) -> [MemberRecord] {
        try file.run("read") { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT device.id, device.name FROM member JOIN device ON device.id = member.device
                    WHERE member.share = ? ORDER BY device.name, device.id
                    """, arguments: [share.stored])
            return try rows.map { row in
                MemberRecord(id: DeviceID(try row.bytes32("id")), name: row["name"])
            }
        }
    }

    /// Takes a device's membership of a share back; false when it was no member.
    @discardableResult
    package func removeMember(share: ShareID, device: DeviceID) throws(StateError) -> Bool {
        try file.run("write") { db in
            try db.execute(
                sql: "DELETE FROM member WHERE share = ? AND device = ?",
                arguments: [share.stored, device.stored])
            return db.changesCount > 0
        }
    }

    static func isMember(_ db: Database, share: ShareID, device: DeviceID) throws -> Bool {
        try Row.fetchOne(
            db, sql: "SELECT 1 FROM member WHERE share = ? AND device = ?",
            arguments: [share.stored, device.stored]) != nil
    }
}

extension ShareRecord {
    fileprivate init(row: Row) throws {
        self.init(id: ShareID(try row.bytes16("id")), name: row["name"])
    }
}

extension StateSchema {
    fileprivate static let hubRegistry = StateSchema(
        noun: "hub registry", applicationID: 0x524c_5968,
        advice: "stop the hub and put back a copy of the file; without one, move it away, make the shares"
            + " again and invite the devices again",
        durability: .full, cacheKibibytes: 1024, migrations: [hubRegistry1, hubRegistry2])

    private static let hubRegistry1 = """
        CREATE TABLE share (id BLOB NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE device (id BLOB NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT;
        CREATE TABLE member (
            share BLOB NOT NULL REFERENCES share (id),
            device BLOB NOT NULL REFERENCES device (id),
            PRIMARY KEY (share, device)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE token (
            hash BLOB NOT NULL PRIMARY KEY,
            share BLOB NOT NULL REFERENCES share (id),
            expires_at INTEGER NOT NULL
        ) STRICT;
        """

    private static let hubRegistry2 = """
        CREATE TABLE revocation (
            share BLOB NOT NULL REFERENCES share (id),
            device BLOB NOT NULL REFERENCES device (id),
            revoked_at INTEGER NOT NULL,
            PRIMARY KEY (share, device)
        ) STRICT, WITHOUT ROWID;
        """
}
