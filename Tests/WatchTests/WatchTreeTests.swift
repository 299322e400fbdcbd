// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import relay_watch

@Suite struct WatchTreeTests {
    @Test func `an empty folder is ready at once`() throws {
        let test = try TreeUnderTest()
        #expect(try test.start() == [.ready])
        #expect(try test.records() == [])
        #expect(test.tree.deadline == nil)
    }

    @Test func `a tree made at once is covered by hints, and then watched`() throws {
        let test = try TreeUnderTest()
        _ = try test.start()
        try test.folder.makeDirectories("a/b/c")
        try test.folder.write("a/b/c/f")
        #expect(try test.hints().cover(path("a/b/c/f")))
        #expect(test.watchedPaths == test.folder.directories())
        try test.folder.write("a/b/c/f", "more")
        #expect(try test.hints() == [.entry(path("a/b/c/f"), writing: false)])
    }

    @Test func `a file is hinted as being written until it is closed`() throws {
        let test = try TreeUnderTest()
        _ = try test.start()
        let file = try test.folder.openForWriting(Array("f".utf8))
        #expect(try test.hints() == [.entry(path("f"), writing: true)])
        close(file)
        #expect(try test.hints() == [.entry(path("f"), writing: false)])
    }

    @Test func `what is deleted is told from what is moved, by the last event of a name`() throws {
        let test = try TreeUnderTest()
        try test.folder.makeDirectories("d")
        for name in ["f", "g", "h"] { try test.folder.write(name) }
        _ = try test.start()
        try test.folder.unlink("f")
        try test.folder.removeDirectory("d")
        try test.folder.rename("g", "moved")
        try test.folder.unlink("h")
        try test.folder.write("h")
        #expect(
            try test.hints() == [
                .deleted(path("f")), .deleted(path("d")), .entry(path("g"), writing: false),
                .entry(path("moved"), writing: false), .entry(path("h"), writing: false),
            ])
    }

    @Test func `writes are hinted at most once in an interval, and the last is`() throws {
        let test = try TreeUnderTest()
        _ = try test.start()
        let file = try test.folder.openForWriting(Array("f".utf8))
        defer { close(file) }
        _ = try test.hints()
        var given = 0
        for _ in 0..<20 {
            try test.folder.append("x", to: file)
            given += try test.hints().count
            test.now = test.now + 10
        }
        #expect(given == 1)
        #expect(try test.pass(milliseconds: 200) == [.entry(path("f"), writing: true)])
        #expect(try test.pass(milliseconds: 1000) == [])
        #expect(test.tree.deadline == nil)
    }

    @Test func `links are hinted as written, since nobody closes them`() throws {
        let test = try TreeUnderTest()
        _ = try test.start()
        try test.folder.write("f")
        _ = try test.hints()
        try test.folder.link("f", "hard")
        try test.folder.symlink("f", "soft")
        let hints = try test.hints()
        #expect(hints.contains(.entry(path("hard"), writing: false)))
        #expect(hints.contains(.entry(path("soft"), writing: false)))
        #expect(!hints.contains(.entry(path("hard"), writing: true)))
        #expect(!hints.contains(.entry(path("soft"), writing: true)))
    }

    @Test func `a linked directory is not entered`() throws {
        let test = try TreeUnderTest()
        let outside = try TemporaryFolder()
        _ = try test.start()
        try test.folder.symlink(outside.path, "soft")
        _ = try test.hints()
        try outside.write("f")
        #expect(try test.hints() == [])
        #expect(test.watchedPaths == [[]])
    }

    @Test func `the root's own directory is not watched, and others of its name are`() throws {
        let test = try TreeUnderTest()
        try test.folder.makeDirectories(".relay/stage")
        _ = try test.start()
        try test.folder.write(".relay/stage/f")
        try test.folder.makeDirectory(".relay/park")
        #expect(try test.hints() == [])
        try test.folder.makeDirectories("a/.relay")
        #expect(try test.hints().cover(path("a/.relay")))
        #expect(test.watchedPaths.contains(Array("a/.relay".utf8)))
    }

    @Test func `a file moved in from the root's own directory is hinted`() throws {
        let test = try TreeUnderTest()
        try test.folder.makeDirectories(".relay/stage")
        try test.folder.write(".relay/stage/f")
        _ = try test.start()
        try test.folder.rename(".relay/stage/f", "f")
        #expect(try test.hints() == [.entry(path("f"), writing: false)])
    }

    @Test(arguments: [
        [0x0a, 0x0d], [0xff, 0xfe], [0x2d, 0x2d], [0x20], [0xc3, 0xa9], [0x65, 0xcc, 0x81],
        [UInt8](repeating: 0x61, count: 255),
    ])
    func `names are bytes`(name: [UInt8]) throws {
        let test = try TreeUnderTest()
        _ = try test.start()
        try test.folder.makeDirectory(name)
        try test.folder.write(name + [0x2f] + name)
        #expect(try test.hints().cover(path(name + [0x2f] + name)))
        try test.folder.write(name + [0x2f] + name)
        #expect(try test.hints() == [.entry(path(name + [0x2f] + name), writing: false)])
    }

    @Test func `a directory can be deeper than a path can be long`() throws {
        let test = try TreeUnderTest()
        _ = try test.start()
        let name = [UInt8](repeating: 0x64, count: 200)
        var directory = withPath(Array(test.folder.path.utf8)) { open($0, O_RDONLY | O_DIRECTORY) }
        for _ in 0..<30 {
            _ = withPath(name) { mkdirat(directory, $0, 0o755) }
            let next = withPath(name) { openat(directory, $0, O_RDONLY | O_DIRECTORY) }
            close(directory)
            directory = next
        }
        _ = try test.hints()
        #expect(test.watchedPaths.count == 31)
        close(withPath(Array("f".utf8)) { openat(directory, $0, O_CREAT | O_WRONLY, 0o644) })
        let wanted = Array([[UInt8]](repeating: name, count: 30).joined(separator: [0x2f])) + Array("/f".utf8)
        #expect(try test.hints() == [.entry(path(wanted), writing: false)])
        for _ in 0..<30 {
            _ = unlinkat(directory, "f", 0)
            let above = openat(directory, "..", O_RDONLY | O_DIRECTORY)
            close(directory)
            directory = above
            _ = withPath(name) { unlinkat(directory, $0, Int32(AT_REMOVEDIR)) }
        }
        close(directory)
    }

    @Test func `the root's end is told`() throws {
        let above = try TemporaryFolder()
        try above.makeDirectory("root")
        let tree = WatchTree(rootPath: above.bytes("root"), backend: try RawInotifyBackend())
        try tree.start(now: Instant(milliseconds: 0))
        try above.rename("root", "elsewhere")
        while try tree.drain(now: Instant(milliseconds: 0)) {}
        #expect(tree.announcements.rootGone == "it was moved")
        let removed = try TreeUnderTest()
        _ = try removed.start()
        removed.folder.removeAll()
        #expect(try removed.records().last == .rootGone("it was removed"))
    }
}
