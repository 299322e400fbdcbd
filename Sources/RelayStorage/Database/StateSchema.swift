// SPDX-License-Identifier: Apache-2.0

import GRDB
import RelayCore

/// One kind of database of our own: how its files are recognised, made and kept.
struct StateSchema: Sendable {
    /// How much a commit waits for.
    enum Durability: String, Sendable {
        /// A power loss may undo the last commits, never tear them.
        case normal = "NORMAL"
        /// A commit that returned is on disk.
        case full = "FULL"
    }

    /// What people call it.
    var noun: String
    /// The value of SQLite's `application_id` in its files.
    var applicationID: Int32
    /// What a person does about a damaged file.
    var advice: String
    var durability: Durability
    var cacheKibibytes: Int
    /// SQL scripts, numbered from 1. One that was released is never edited: changes are further scripts.
    var migrations: [String]

    /// Takes the file for its own, if it is new or of this kind and not of a later version.
    ///
    /// `mustExist`: an empty file is not a new one, but one that lost what it held.
    func prepare(_ connection: GRDB.Database, path: String, mustExist: Bool) throws {
        // Exclusive: what is remembered of a file in memory stays true, and commits need no shared memory.
        try connection.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
        try recognise(connection, path: path, mustExist: mustExist)
        try connection.execute(
            sql: """
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = \(durability.rawValue);
                PRAGMA journal_size_limit = 67108864;
                PRAGMA wal_autocheckpoint = 4000;
                PRAGMA cache_size = -\(cacheKibibytes);
                PRAGMA temp_store = MEMORY;
                PRAGMA cell_size_check = ON;
                PRAGMA trusted_schema = OFF;
                """)
    }

    private func recognise(_ connection: GRDB.Database, path: String, mustExist: Bool) throws {
        let found = try Int32.fetchOne(connection, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(connection, sql: "PRAGMA user_version") ?? 0
        if found == 0 {
            // A file whose making was cut short may hold the migrator's own table already.
            let entries =
                try Int.fetchOne(
                    connection, sql: "SELECT count(*) FROM sqlite_schema WHERE tbl_name != 'grdb_migrations'")
                ?? 0
            guard entries == 0, version == 0 else {
                throw StateError("cannot open \(noun) \(path): it is a database of another program")
            }
            guard !mustExist else {
                throw StateError(
                    "cannot open \(noun) \(path): it is empty, though it was in use before: perhaps its"
                        + " -wal file was removed; \(advice)", isDamaged: true)
            }
        } else {
            guard found == applicationID else {
                throw StateError("cannot open \(noun) \(path): it is a database of another kind")
            }
            guard version <= migrations.count else {
                throw StateError(
                    "cannot open \(noun) \(path): it was written by a newer version of Relay"
                        + " (format \(version), known up to \(migrations.count))")
            }
        }
    }

    /// Runs the scripts that the file has not seen, each in a transaction of its own.
    func migrate(_ queue: DatabaseQueue) throws {
        var migrator = DatabaseMigrator()
        for (index, script) in migrations.enumerated() {
            let number = index + 1
            let applicationID = applicationID
            migrator.registerMigration("\(number)") { connection in
                try connection.execute(sql: script)
                try connection.execute(sql: "PRAGMA application_id = \(applicationID)")
                try connection.execute(sql: "PRAGMA user_version = \(number)")
            }
        }
        try migrator.migrate(queue)
    }

    /// What SQLite said, as an error that names the file and says what to do about it.
    func failure(_ verb: String, path: String, code: Int32, message: String) -> StateError {
        let cause =
            switch ResultCode(rawValue: code).primaryResultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: "the file is damaged (\(message)); \(advice)"
            case .SQLITE_FULL: "disk full"
            case .SQLITE_BUSY, .SQLITE_LOCKED: "it is in use by another program"
            case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN, .SQLITE_AUTH: "not permitted (\(message))"
            case .SQLITE_IOERR: "input/output error \(code) (\(message))"
            default: "\(message) (\(code))"
            }
        let primary = ResultCode(rawValue: code).primaryResultCode
        return StateError(
            "cannot \(verb) \(noun) \(path): \(cause)",
            isDamaged: [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(primary),
            isDiskFull: primary == .SQLITE_FULL)
    }
}
