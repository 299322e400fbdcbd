// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import relay_watch

@Suite struct WatchTreeLimitTests {
    private func limited(_ limit: Int, _ directories: String...) throws -> TreeUnderTest<LimitedBackend> {
        let test = TreeUnderTest(folder: try TemporaryFolder(), backend: try LimitedBackend(limit: limit))
        for directory in directories { try test.folder.makeDirectories(directory) }
        return test
    }

    @Test func `more events than the queue holds are told as an overflow, and the tree is right again`()
        throws
    {
        let test = try TreeUnderTest()
        try test.folder.makeDirectories("a/b")
        _ = try test.start()
        for index in 0..<9000 {
            try test.folder.write("f\(index & 1)")
        }
        try test.folder.rename("a", "moved")
        try test.folder.makeDirectories("new/n")
        let records = try test.records()
        #expect(records.contains(.overflow))
        #expect(records.filter { $0 == .overflow }.count == 1)
        let hints = records.flatMap { if case .hints(let hints) = $0 { hints } else { [Hint]() } }
        #expect(hints.cover(path("new/n")))
        _ = try test.pass(milliseconds: 1000)
        #expect(test.watchedPaths == test.folder.directories())
        try test.folder.write("moved/b/f")
        #expect(try test.hints() == [.entry(path("moved/b/f"), writing: false)])
    }

    @Test func `directories without a watch are told and polled, and watched once that is possible`() throws {
        let test = try limited(2, "a", "b", "c")
        let records = try test.start()
        guard case .polling(let count, let directories) = records.last else {
            Issue.record("nothing was told about polling: \(records)")
            return
        }
        #expect(count == 2)
        #expect(directories.count == 2)
        #expect(test.watchedPaths.count == 2)
        #expect(try test.pass(milliseconds: 9_000) == [])
        #expect(try test.pass(milliseconds: 1_000).paths == Set(directories))
        test.tree.backend.limit = 100
        #expect(try test.pass(milliseconds: 10_000).paths == Set(directories))
        #expect(test.watchedPaths == test.folder.directories())
        #expect(test.tree.deadline == nil)
    }

    @Test func `a watch that becomes free is used at once`() throws {
        let test = try limited(2, "a", "b")
        _ = try test.start()
        let watched = try #require(test.watchedPaths.first { !$0.isEmpty })
        let other = watched == Array("a".utf8) ? "b" : "a"
        try test.folder.removeDirectory(String(decoding: watched, as: UTF8.self))
        let records = try test.records()
        #expect(records.contains(.polling(count: 0, directories: [])))
        try test.folder.write("\(other)/f")
        #expect(try test.hints() == [.entry(path("\(other)/f"), writing: false)])
    }

    @Test func `the root can be without a watch as well`() throws {
        let test = try limited(0, "a")
        #expect(try test.start() == [.ready, .polling(count: 1, directories: [.root])])
        #expect(try test.pass(milliseconds: 10_000) == [.subtree(.root)])
        test.tree.backend.limit = 10
        #expect(try test.pass(milliseconds: 10_000).contains(.subtree(.root)))
        #expect(test.watchedPaths == test.folder.directories())
    }

    @Test func `an unreadable directory is tried again, and hinted when it opens`() throws {
        let test = try limited(100, "a/b")
        var status = stat()
        #expect(withPath(test.folder.bytes("a"), { stat($0, &status) }) == 0)
        test.tree.backend.refused = [UInt64(status.st_ino)]
        #expect(try test.start() == [.ready])
        #expect(test.watchedPaths == [[]])
        #expect(try test.pass(milliseconds: 60_000) == [])
        test.tree.backend.refused = []
        #expect(try test.pass(milliseconds: 120_000) == [.subtree(path("a"))])
        #expect(test.watchedPaths == test.folder.directories())
        #expect(test.tree.deadline == nil)
    }

    @Test func `an unreadable directory is tried at once when its mode changes`() throws {
        let test = try limited(100, "a/b")
        var status = stat()
        #expect(withPath(test.folder.bytes("a"), { stat($0, &status) }) == 0)
        test.tree.backend.refused = [UInt64(status.st_ino)]
        _ = try test.start()
        test.tree.backend.refused = []
        #expect(withPath(test.folder.bytes("a"), { chmod($0, 0o700) }) == 0)
        #expect(try test.hints().contains(.subtree(path("a"))))
        #expect(test.watchedPaths == test.folder.directories())
    }

    @Test func `a large tree that leaves takes its watches along, and no event of others`() throws {
        let test = try TreeUnderTest()
        for index in 0..<18_000 { try test.folder.makeDirectories("large/\(index % 150)/\(index / 150)") }
        _ = try test.start()
        let outside = try TemporaryFolder()
        try test.folder.rename(
            "large", "../" + String(outside.path.split(separator: "/").last ?? "") + "/large")
        #expect(try test.pass(milliseconds: 1000) == [.entry(path("large"), writing: false)])
        #expect(test.watchedPaths == [[]])
        #expect(try test.records() == [])
    }
}
