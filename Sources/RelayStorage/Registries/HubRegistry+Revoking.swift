// SPDX-License-Identifier: Apache-2.0

import GRDB
package import RelayCore

// Access that was taken back.

/// How a device stands to a share.
package enum DeviceStanding: Hashable, Sendable {
    case member
    /// It was a member, and somebody took its access back.
    case revoked
    case stranger
}

extension HubRegistry {
    package func standing(share: ShareID, device: DeviceID) throws(StateError) -> DeviceStanding {
        try file.run("read") { db in
            if try Self.isMember(db, share: share, device: device) { return .member }
            return try Self.isRevoked(db, share: share, device: device) ? .revoked : .stranger
        }
    }

    /// Takes the device's access to these shares back: it is no member, and no join link makes it one. Links
    /// that were made before and not used yet are void, since the device may know them and come with another
    /// identity; returns how many. `now` is in seconds since 1970.
    package func revoke(device: DeviceID, shares: [ShareID], now: Int64) throws(StateError) -> Int {
        try file.run("write") { db in
            var voidTokens = 0
            for share in shares {
                try db.execute(
                    sql: "DELETE FROM member WHERE share = ? AND device = ?",
                    arguments: [share.stored, device.stored])
                try db.execute(
                    sql: "INSERT OR IGNORE INTO revocation (share, device, revoked_at) VALUES (?, ?, ?)",
                    arguments: [share.stored, device.stored, now])
                try db.execute(
                    sql: "DELETE FROM token WHERE share = ? AND expires_at <= ?",
                    arguments: [share.stored, now])
                try db.execute(sql: "DELETE FROM token WHERE share = ?", arguments: [share.stored])
                voidTokens += db.changesCount
            }
            return voidTokens
        }
    }

    /// Makes the device a member again of these shares, where its access was taken back.
    package func readmit(device: DeviceID, shares: [ShareID]) throws(StateError) {
        try file.run("write") { db in
            for share in shares {
                try db.execute(
                    sql: "DELETE FROM revocation WHERE share = ? AND device = ?",
                    arguments: [share.stored, device.stored])
                guard db.changesCount == 1 else { continue }
                try db.execute(
                    sql: "INSERT OR IGNORE INTO member (share, device) VALUES (?, ?)",
                    arguments: [share.stored, device.stored])
            }
        }
    }

    /// The devices whose access to a share was taken back, in the order of their names.
    package func revokedDevices(of share: ShareID) throws(StateError) -> [MemberRecord] {
        try file.run("read") { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT device.id, device.name FROM revocation
                    JOIN device ON device.id = revocation.device
                    WHERE revocation.share = ? ORDER BY device.name, device.id
                    """, arguments: [share.stored])
            return try rows.map { row in
                MemberRecord(id: DeviceID(try row.bytes32("id")), name: row["name"])
            }
        }
    }

    static func isRevoked(_ db: Database, share: ShareID, device: DeviceID) throws -> Bool {
        try Row.fetchOne(
            db, sql: "SELECT 1 FROM revocation WHERE share = ? AND device = ?",
            arguments: [share.stored, device.stored]) != nil
    }
}
