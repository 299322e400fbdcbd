// SPDX-License-Identifier: Apache-2.0

import GRDB
import RelayCore

/// An open SQLite database of our own with one owner, who reads and writes in transactions only.
///
/// The file is locked against other programs for as long as it is open.
final class StateDatabase {
    let path: String
    let schema: StateSchema
    private let queue: DatabaseQueue
    /// The files as they were when they were opened.
    private let files: [FileNumber?]
    /// The connection, while a transaction is open.
    private var connection: GRDB.Database?
    private var control: TransactionControl?

    /// What begins and ends transactions, compiled once.
    private struct TransactionControl {
        var begin: SQLStatement
        var commit: SQLStatement
        var rollback: SQLStatement
    }

    /// How long another program's lock is waited for.
    static let busyTimeoutSeconds = 2.0

    init(path: String, schema: StateSchema, mustExist: Bool = false) throws(StateError) {
        self.path = path
        self.schema = schema
        queue = try Self.openQueue(path: path, schema: schema, mustExist: mustExist)
        files = Self.files(path)
    }

    /// Opens, checks and migrates the file; makes it if it is not there, unless it must be, with contents.
    static func openQueue(
        path: String, schema: StateSchema, mustExist: Bool
    ) throws(StateError) -> DatabaseQueue {
        if mustExist { try StateFiles.requireFile(path, schema.noun, advice: schema.advice) }
        try StateFiles.makeFile(path)
        var configuration = Configuration()
        configuration.label = "relay." + schema.noun
        configuration.busyMode = .timeout(busyTimeoutSeconds)
        configuration.prepareDatabase { try schema.prepare($0, path: path, mustExist: mustExist) }
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try schema.migrate(queue)
            return queue
        } catch {
            throw stateError(error, "open", path: path, schema: schema)
        }
    }

    private static func files(_ path: String) -> [FileNumber?] {
        [StateFiles.identity(of: path), StateFiles.identity(of: path + "-wal")]
    }

    /// Throws when somebody has removed the files or put others in their place: what is written then is lost
    /// with the last descriptor.
    func requireOwnFiles() throws(StateError) {
        guard files != Self.files(path) else { return }
        throw StateError(
            "cannot use \(schema.noun) \(path): it, or its -wal file, was removed or replaced while it was"
                + " in use; \(schema.advice)", isDamaged: true)
    }

    var isInTransaction: Bool { connection != nil }

    /// Runs the body in a transaction, which is rolled back if the body throws.
    func transaction<T>(_ body: () throws -> T) throws -> T {
        guard connection == nil else {
            throw StateError("cannot begin a transaction of \(schema.noun) \(path): one is open")
        }
        var cause: (any Error)?
        do {
            return try queue.writeWithoutTransaction { opened in
                connection = opened
                defer { connection = nil }
                do {
                    return try inTransaction(of: opened, body)
                } catch {
                    cause = error
                    throw error
                }
            }
        } catch {
            throw cause ?? Self.stateError(error, "write", path: path, schema: schema)
        }
    }

    private func inTransaction<T>(of connection: GRDB.Database, _ body: () throws -> T) throws -> T {
        let control = try transactionControl()
        try control.begin.run()
        do {
            let value = try body()
            try control.commit.run()
            return value
        } catch {
            // SQLite has ended it already after some errors.
            if connection.isInsideTransaction { try? control.rollback.run() }
            throw error
        }
    }

    private func transactionControl() throws(StateError) -> TransactionControl {
        if let control { return control }
        let control = TransactionControl(
            begin: try prepare("BEGIN IMMEDIATE", verb: "write"),
            commit: try prepare("COMMIT", verb: "write"),
            rollback: try prepare("ROLLBACK", verb: "write"))
        self.control = control
        return control
    }

    /// Compiles a statement that is kept for as long as the database.
    ///
    /// `verb`: what it does to the database, for people; nil: what SQLite says of it.
    func prepare(_ sql: String, verb: String? = nil) throws(StateError) -> SQLStatement {
        let connection = try openConnection()
        do {
            return SQLStatement(try connection.makeStatement(sql: sql), database: self, verb: verb)
        } catch {
            throw Self.stateError(error, "read", path: path, schema: schema)
        }
    }

    /// Throws outside of transactions.
    func requireTransaction() throws(StateError) { _ = try openConnection() }

    /// Lets the file go. Nothing works afterwards.
    func close() {
        control = nil
        try? queue.close()
    }

    /// Gives back what is kept in memory of the file, to the operating system too, with what else the process
    /// does not need at rest. It is read again when it is needed.
    func releaseMemory() {
        queue.releaseMemory()
        ProcessMemory.giveBack()
    }

    /// How many rows the last statement changed.
    func changedRows() throws(StateError) -> Int { try openConnection().changesCount }

    func damaged(_ what: String) -> StateError {
        StateError(
            "cannot read \(schema.noun) \(path): the file is damaged (\(what)); \(schema.advice)",
            isDamaged: true)
    }

    private func openConnection() throws(StateError) -> GRDB.Database {
        guard let connection else {
            throw StateError("cannot use \(schema.noun) \(path): no transaction is open")
        }
        return connection
    }

    /// Any error of GRDB's as one that names the file.
    static func stateError(
        _ error: any Error, _ verb: String, path: String, schema: StateSchema
    ) -> StateError {
        switch error {
        case let error as StateError: error
        case let error as DatabaseError:
            schema.failure(
                verb, path: path, code: error.extendedResultCode.rawValue,
                message: error.message ?? "\(error.resultCode)")
        default: StateError("cannot \(verb) \(schema.noun) \(path): \(error)")
        }
    }
}
