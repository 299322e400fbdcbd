// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import RelayCore
import RelayStorage
import Testing

@Suite struct StateFileTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("replica.db") }

    init() throws { directory = try TemporaryDirectory() }

    private func error(of body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch let error as StateError {
            return error.description
        } catch {
            return "not a StateError: \(error)"
        }
    }

    @Test func `directories and files are made for their owner alone`() throws {
        let replica = try SQLiteReplica(path: directory.file("one/two/replica.db"))
        try replica.setSetting("key", [1])
        #expect(directory.mode("one") == 0o700)
        #expect(directory.mode("one/two") == 0o700)
        #expect(directory.mode("one/two/replica.db") == 0o600)
        #expect(directory.mode("one/two/replica.db-wal") == 0o600)
    }

    @Test func `missing directories are made, and what is in the way is named`() throws {
        try StateFiles.makeDirectory(directory.file("one/two//three/"))
        #expect(directory.mode("one/two/three") == 0o700)
        #expect(symlink(directory.file("one"), directory.file("link")) == 0)
        try StateFiles.makeDirectory(directory.file("link"))
        try StateFiles.makeDirectory("/")
        #expect(try directory.names(in: "one") == ["two"])

        try directory.write([], to: "file")
        let inTheWay = error(of: { try StateFiles.makeDirectory(directory.file("file")) })
        #expect(inTheWay == "cannot make directory \(directory.file("file")): Not a directory")
        let above = error(of: { try StateFiles.makeDirectory(directory.file("file/below")) })
        #expect(above == "cannot make directory \(directory.file("file/below")): Not a directory")
        let unnamed = error(of: { try StateFiles.makeDirectory("") })
        #expect(unnamed == "cannot make directory : No such file or directory")
    }

    @Test func `a file that others may read is made private`() throws {
        try SQLiteReplica(path: path).close()
        chmod(path, 0o644)
        try SQLiteReplica(path: path).close()
        #expect(directory.mode("replica.db") == 0o600)
    }

    @Test func `a file that is no database is refused and left alone`() throws {
        let bytes = Array(repeating: UInt8(ascii: "x"), count: 10_000)
        try directory.write(bytes, to: "replica.db")
        let text = error { _ = try SQLiteReplica(path: path) }
        #expect(text.contains(path))
        #expect(text.contains("damaged"))
        #expect(text.contains("move it away and start again"))
        #expect(try directory.bytes("replica.db") == bytes)
    }

    @Test func `damage is told apart from trouble that passes`() throws {
        try directory.write(Array(repeating: 7, count: 10_000), to: "damaged.db")
        let replica = try SQLiteReplica(path: path)
        for (name, isDamaged) in [("damaged.db", true), ("replica.db", false)] {
            do {
                _ = try SQLiteReplica(path: directory.file(name))
                Issue.record("\(name) was opened")
            } catch {
                #expect(error.isDamaged == isDamaged)
            }
        }
        replica.close()
    }

    @Test func `a truncated file is refused with advice`() throws {
        let replica = try SQLiteReplica(path: path)
        try replica.transaction {
            for number in 0..<1000 as Range<UInt64> {
                try replica.put(try Sample.synced(number, "n\(number)"))
            }
        }
        replica.close()
        try directory.write(Array(try directory.bytes("replica.db").prefix(20_000)), to: "replica.db")
        let text = error { _ = try SQLiteReplica(path: path) }
        #expect(text.contains("damaged"))
        #expect(text.contains("move it away"))
    }

    @Test func `damage that is found later is told with advice`() throws {
        var replica = try SQLiteReplica(path: path)
        try replica.transaction {
            for number in 0..<2000 as Range<UInt64> {
                try replica.put(try Sample.synced(number, "n\(number)"))
            }
        }
        replica.close()
        var bytes = try directory.bytes("replica.db")
        for index in 8192..<bytes.count { bytes[index] = 0xee }
        try directory.write(bytes, to: "replica.db")
        let text = error {
            replica = try SQLiteReplica(path: path)
            try replica.transaction {
                for number in 0..<2000 as Range<UInt64> { _ = try replica.node(Sample.node(number)) }
            }
        }
        #expect(text.contains("damaged"), "\(text)")
        #expect(text.contains("move it away"))
    }

    @Test func `a database of another program is refused`() throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: "CREATE TABLE theirs (a)") }
        try queue.close()
        let before = try directory.bytes("replica.db")
        #expect(error { _ = try SQLiteReplica(path: path) }.contains("another program"))
        #expect(try directory.bytes("replica.db") == before)
    }

    @Test func `a database of another kind is refused`() throws {
        let index = try SQLiteShareIndex(path: path) { Epoch(high: 1, low: 2) }
        index.close()
        #expect(error { _ = try SQLiteReplica(path: path) }.contains("another kind"))
        #expect(error { _ = try HubRegistry(path: path) }.contains("another kind"))
        #expect(error { _ = try AgentRegistry(path: path) }.contains("another kind"))
    }

    @Test func `a file of a newer version is refused`() throws {
        try SQLiteReplica(path: path).close()
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 999") }
        try queue.close()
        let text = error { _ = try SQLiteReplica(path: path) }
        #expect(text.contains("newer version"))
        #expect(text.contains("999"))
    }

    @Test func `a file in use is refused`() throws {
        let replica = try SQLiteReplica(path: path)
        #expect(error { _ = try SQLiteReplica(path: path) }.contains("in use"))
        replica.close()
        _ = try SQLiteReplica(path: path)
    }

    @Test func `a directory in the file's place is refused`() throws {
        _ = try SQLiteReplica(path: directory.file("sub/replica.db"))
        #expect(error { _ = try SQLiteReplica(path: directory.file("sub")) }.contains("regular file"))
        #expect(error { _ = try SQLiteReplica(path: path + "/x/y") }.isEmpty)
        #expect(error { _ = try SQLiteReplica(path: directory.file("sub/replica.db/z")) }.contains("cannot"))
    }
}
