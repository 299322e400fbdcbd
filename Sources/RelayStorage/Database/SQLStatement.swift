// SPDX-License-Identifier: Apache-2.0

import GRDB
import GRDBSQLite
import RelayCore

/// A compiled statement used through SQLite's own interface: no allocation to bind numbers and identifiers,
/// none to read them. Parameters count from 1, columns from 0.
///
/// A trouble with a parameter is kept and thrown by the next `step`.
final class SQLStatement {
    private let statement: GRDB.Statement
    private let pointer: OpaquePointer
    private unowned let database: StateDatabase
    /// 32 bytes a parameter, in which bound identifiers live until they are bound again.
    private let scratch: UnsafeMutableRawPointer
    private var bindCode: Int32 = SQLITE_OK
    /// What an error calls what failed.
    private let verb: String

    private static let slotBytes = 32

    /// `verb`: what an error calls what failed; nil: `read` or `write`, as SQLite says.
    init(_ statement: GRDB.Statement, database: StateDatabase, verb: String? = nil) {
        self.statement = statement
        self.database = database
        pointer = statement.sqliteStatement
        self.verb = verb ?? (sqlite3_stmt_readonly(pointer) != 0 ? "read" : "write")
        let parameters = Int(sqlite3_bind_parameter_count(pointer))
        scratch = .allocate(byteCount: (parameters + 1) * Self.slotBytes, alignment: 8)
    }

    deinit {
        sqlite3_reset(pointer)
        sqlite3_clear_bindings(pointer)
        scratch.deallocate()
    }

    func bind(_ index: Int32, _ value: Int64?) {
        guard let value else { return bindNull(index) }
        note(sqlite3_bind_int64(pointer, index, value))
    }

    /// The same 64 bits as a signed number, which is what SQLite keeps.
    func bind(_ index: Int32, bits value: UInt64) {
        note(sqlite3_bind_int64(pointer, index, Int64(bitPattern: value)))
    }

    func bindNull(_ index: Int32) { note(sqlite3_bind_null(pointer, index)) }

    func bind(_ index: Int32, _ value: Bytes16) {
        bindWords(index, 16, (value.high, value.low, 0, 0))
    }

    func bind(_ index: Int32, _ value: Bytes32) {
        bindWords(index, 32, (value.first, value.second, value.third, value.fourth))
    }

    /// The last 24 of 32 bytes; the first eight are bound as a number.
    func bind(_ index: Int32, tailOf value: Bytes32) {
        bindWords(index, 24, (value.second, value.third, value.fourth, 0))
    }

    /// The bytes are copied.
    func bind(_ index: Int32, _ value: [UInt8]?) {
        guard let value else { return bindNull(index) }
        value.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, !bytes.isEmpty else {
                return note(sqlite3_bind_zeroblob(pointer, index, 0))
            }
            note(sqlite3_bind_blob64(pointer, index, start, UInt64(bytes.count), transient))
        }
    }

    func bind(_ index: Int32, text value: String) {
        var value = value
        value.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                let encoding = UInt8(SQLITE_UTF8)
                guard let start = characters.baseAddress else {
                    return note(sqlite3_bind_text64(pointer, index, "", 0, transient, encoding))
                }
                note(
                    sqlite3_bind_text64(
                        pointer, index, start, UInt64(characters.count), transient, encoding))
            }
        }
    }

    private func bindWords(_ index: Int32, _ count: Int32, _ words: (UInt64, UInt64, UInt64, UInt64)) {
        let slot = scratch + Int(index) * Self.slotBytes
        slot.storeBytes(of: words.0.bigEndian, as: UInt64.self)
        slot.storeBytes(of: words.1.bigEndian, toByteOffset: 8, as: UInt64.self)
        slot.storeBytes(of: words.2.bigEndian, toByteOffset: 16, as: UInt64.self)
        slot.storeBytes(of: words.3.bigEndian, toByteOffset: 24, as: UInt64.self)
        // No destructor: the slot outlives the binding.
        note(sqlite3_bind_blob(pointer, index, slot, count, nil))
    }

    private func note(_ code: Int32) {
        if code != SQLITE_OK, bindCode == SQLITE_OK { bindCode = code }
    }

    /// Goes on to the next row; false when there is none. The caller resets the statement in the end.
    func step() throws(StateError) -> Bool {
        try database.requireTransaction()
        guard bindCode == SQLITE_OK else {
            let code = bindCode
            bindCode = SQLITE_OK
            throw failure(code, String(cString: sqlite3_errstr(code)))
        }
        switch sqlite3_step(pointer) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let connection = sqlite3_db_handle(pointer)
            throw failure(
                sqlite3_extended_errcode(connection), String(cString: sqlite3_errmsg(connection)))
        }
    }

    /// Ends the run, so that the statement can run again.
    func reset() { sqlite3_reset(pointer) }

    /// Runs to the end; for statements without rows.
    func run() throws(StateError) {
        defer { reset() }
        while try step() {}
    }

    /// What `read` makes of the first row; nil when there is none.
    func first<T>(_ read: (SQLStatement) throws(StateError) -> T) throws(StateError) -> T? {
        defer { reset() }
        return try step() ? try read(self) : nil
    }

    /// What `read` makes of each row.
    func all<T>(_ read: (SQLStatement) throws(StateError) -> T) throws(StateError) -> [T] {
        defer { reset() }
        var result: [T] = []
        while try step() { result.append(try read(self)) }
        return result
    }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(pointer, column) == SQLITE_NULL }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(pointer, column) }

    func bits(_ column: Int32) -> UInt64 { UInt64(bitPattern: integer(column)) }

    /// A number that has to fit into a smaller type.
    func number<T: FixedWidthInteger>(_ column: Int32, _: T.Type = T.self) throws(StateError) -> T {
        guard let value = T(exactly: integer(column)) else { throw damaged(column) }
        return value
    }

    func bytes16(_ column: Int32) throws(StateError) -> Bytes16 {
        guard let bytes = blob(column), bytes.count == 16 else { throw damaged(column) }
        return Bytes16(high: bytes.word(0), low: bytes.word(8))
    }

    func bytes32(_ column: Int32) throws(StateError) -> Bytes32 {
        guard let bytes = blob(column), bytes.count == 32 else { throw damaged(column) }
        return Bytes32(at: 0, in: bytes)
    }

    /// 32 bytes of which the first eight are a number in one column and the others a blob in the next.
    func bytes32(headAt column: Int32) throws(StateError) -> Bytes32 {
        guard let bytes = blob(column + 1), bytes.count == 24 else { throw damaged(column + 1) }
        return Bytes32(bits(column), bytes.word(0), bytes.word(8), bytes.word(16))
    }

    func bytes(_ column: Int32) -> [UInt8] { blob(column).map { Array($0) } ?? [] }

    func name(_ column: Int32) throws(StateError) -> EntryName {
        guard let name = EntryName(bytes(column)) else { throw damaged(column) }
        return name
    }

    /// The bytes of a column, until the next step or reset; nil when it is empty or NULL.
    func blob(_ column: Int32) -> UnsafeRawBufferPointer? {
        guard let start = sqlite3_column_blob(pointer, column) else { return nil }
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(pointer, column)))
    }

    func damaged(_ column: Int32) -> StateError {
        let name = sqlite3_column_name(pointer, column).map { String(cString: $0) } ?? "column \(column)"
        return database.damaged("a senseless value of \(name)")
    }

    private func failure(_ code: Int32, _ message: String) -> StateError {
        database.schema.failure(verb, path: database.path, code: code, message: message)
    }
}

/// Makes SQLite copy what is bound.
private let transient = unsafeBitCast(OpaquePointer(bitPattern: -1), to: sqlite3_destructor_type.self)
