// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import RelayCore

/// A small database that is read and written by whole calls from any thread.
final class RegistryFile: Sendable {
    private let path: String
    private let schema: StateSchema
    private let queue: DatabaseQueue

    init(path: String, schema: StateSchema, mustExist: Bool = false) throws(StateError) {
        self.path = path
        self.schema = schema
        queue = try StateDatabase.openQueue(path: path, schema: schema, mustExist: mustExist)
    }

    /// Runs the body as one transaction.
    func run<T>(_ verb: String, _ body: (Database) throws -> T) throws(StateError) -> T {
        do {
            return try queue.write(body)
        } catch {
            throw StateDatabase.stateError(error, verb, path: path, schema: schema)
        }
    }

    func close() { try? queue.close() }
}

extension Identifier16 {
    /// The identifier as SQLite keeps it.
    var stored: DatabaseValue { bytes.stored }
}

extension Identifier32 {
    /// The identifier as SQLite keeps it.
    var stored: DatabaseValue { raw.bytes.stored }
}

extension Bytes32 {
    /// The bytes as SQLite keeps them.
    var stored: DatabaseValue { bytes.stored }
}

extension [UInt8] {
    /// The bytes as a blob.
    var stored: DatabaseValue { Foundation.Data(self).databaseValue }
}

extension Row {
    func bytes16(_ column: String) throws(StateError) -> Bytes16 {
        guard let value = Bytes16(bytes: bytes(column)) else { throw senseless(column) }
        return value
    }

    func bytes32(_ column: String) throws(StateError) -> Bytes32 {
        guard let value = Bytes32(bytes: bytes(column)) else { throw senseless(column) }
        return value
    }

    func bytes(_ column: String) -> [UInt8] {
        let value: Foundation.Data? = self[column]
        return value.map { Array($0) } ?? []
    }

    private func senseless(_ column: String) -> StateError {
        StateError("cannot read registry: a senseless value of \(column)")
    }
}
