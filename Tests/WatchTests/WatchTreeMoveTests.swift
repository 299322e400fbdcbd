// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import relay_watch

@Suite struct WatchTreeMoveTests {
    private func started(_ directories: String...) throws -> TreeUnderTest<RawInotifyBackend> {
        let test = try TreeUnderTest()
        for directory in directories { try test.folder.makeDirectories(directory) }
        _ = try test.start()
        return test
    }

    @Test func `a directory renamed in a chain is hinted at its last place, and what is in it too`() throws {
        let test = try started("a/b")
        try test.folder.rename("a", "m")
        try test.folder.rename("m", "n")
        try test.folder.write("n/b/f")
        let hints = try test.hints()
        #expect(hints.cover(path("n/b/f")))
        #expect(hints.cover(path("n")))
        #expect(hints.cover(path("a")))
        #expect(test.watchedPaths == test.folder.directories())
    }

    @Test func `a rename of a directory is one hint for each of its names`() throws {
        let test = try started("a/b/c", "a/d")
        try test.folder.rename("a", "m")
        #expect(try test.hints() == [.entry(path("a"), writing: false), .entry(path("m"), writing: false)])
    }

    @Test func `what was hinted before a rename is hinted again behind it`() throws {
        let test = try started("a/b")
        try test.folder.write("a/b/f")
        _ = try test.hints()
        try test.folder.rename("a", "m")
        #expect(try test.hints().contains(.entry(path("m/b/f"), writing: false)))
    }

    @Test func `a directory moved out is not heard of any more`() throws {
        let test = try started("a/b", "a/c/d")
        let outside = try TemporaryFolder()
        let away = "../" + String(outside.path.split(separator: "/").last ?? "") + "/a"
        try test.folder.rename("a", away)
        #expect(try test.hints() == [.entry(path("a"), writing: false)])
        try outside.write("a/b/f")
        #expect(try test.hints() == [])
        #expect(try test.pass(milliseconds: 1000) == [])
        #expect(test.watchedPaths == [[]])
        try outside.write("a/b/g")
        try outside.makeDirectory("a/e")
        try test.folder.write("f")
        #expect(try test.hints() == [.entry(path("f"), writing: false)])
        #expect(test.tree.deadline == nil)
        try test.folder.rename(away, "back")
        #expect(try test.hints() == [.subtree(path("back"))])
        #expect(test.watchedPaths == test.folder.directories())
    }

    @Test func `a directory moved in is watched with all beneath it`() throws {
        let test = try started()
        let outside = try TemporaryFolder()
        try outside.makeDirectories("x/y/z")
        try outside.rename("x", "../" + String(test.folder.path.split(separator: "/").last ?? "") + "/x")
        #expect(try test.hints() == [.subtree(path("x"))])
        try test.folder.write("x/y/z/f")
        #expect(try test.hints() == [.entry(path("x/y/z/f"), writing: false)])
    }

    @Test func `a directory deleted and made again is a new one`() throws {
        let test = try started("a/b")
        try test.folder.removeDirectory("a/b")
        try test.folder.removeDirectory("a")
        try test.folder.makeDirectories("a/b")
        #expect(try test.hints().cover(path("a/b")))
        try test.folder.write("a/b/f")
        #expect(try test.hints() == [.entry(path("a/b/f"), writing: false)])
        #expect(test.watchedPaths == test.folder.directories())
    }

    @Test func `events that lag behind renames put no watch at a wrong place`() throws {
        let test = try started("x/in")
        try test.folder.makeDirectory("x/new")
        try test.folder.rename("x", "y")
        try test.folder.makeDirectories("x/other")
        try test.folder.makeDirectory("y/late")
        _ = try test.pass(milliseconds: 1000)
        #expect(test.watchedPaths == test.folder.directories())
        for directory in ["y/in", "y/new", "y/late", "x/other"] {
            try test.folder.write("\(directory)/f")
            #expect(try test.hints() == [.entry(path("\(directory)/f"), writing: false)])
        }
    }

    @Test func `directories that change places keep their watches`() throws {
        let test = try started("a/in", "b/in")
        try test.folder.rename("a", "t")
        try test.folder.rename("b", "a")
        try test.folder.rename("t", "b")
        _ = try test.pass(milliseconds: 1000)
        try test.folder.write("a/in/f")
        #expect(try test.hints() == [.entry(path("a/in/f"), writing: false)])
        #expect(test.watchedPaths == test.folder.directories())
    }

    @Test func `a directory replaced by a rename is forgotten`() throws {
        let test = try started("a/in", "b")
        try test.folder.rename("a", "b")
        _ = try test.pass(milliseconds: 1000)
        try test.folder.write("b/in/f")
        #expect(try test.hints() == [.entry(path("b/in/f"), writing: false)])
        #expect(test.watchedPaths == test.folder.directories())
    }

    @Test func `a move whose halves are far apart loses nothing`() throws {
        let test = try TreeUnderTest(folder: TemporaryFolder(), backend: LimitedBackend(limit: 100))
        try test.folder.makeDirectories("a/b")
        _ = try test.start()
        let node = try #require(test.tree.root.children.values.first)
        guard case .watched(let watch) = test.tree.root.state else { return }
        test.tree.backend.injected = [
            KernelEvent(
                watch: watch, mask: [.movedFrom, .directory], cookie: 77, name: Array("a".utf8))
        ]
        _ = try test.hints()
        #expect(node.parent == nil)
        try test.folder.write("a/b/f")
        #expect(try test.hints() == [])
        #expect(try test.pass(milliseconds: 1000).cover(path("a/b/f")))
        #expect(test.watchedPaths == test.folder.directories())
    }

    @Test(arguments: 1...16 as ClosedRange<UInt64>)
    func `the watches are right after any changes`(seed: UInt64) throws {
        let test = try started("a/b/c", "d/e")
        var random = Random(state: seed &* 0x9e37_79b9_7f4a_7c15 | 1)
        for step in 0..<400 {
            let directories = test.folder.directories().map { String(decoding: $0, as: UTF8.self) }.sorted()
            let one = directories[random.below(directories.count)]
            let other = directories[random.below(directories.count)]
            let name = "n\(random.below(4))"
            switch random.below(6) {
            case 0, 1: try? test.folder.makeDirectory(one.isEmpty ? name : "\(one)/\(name)")
            case 2,
                3 where !one.isEmpty:
                try? test.folder.rename(one, other.isEmpty ? name : "\(other)/\(name)")
            case 4 where !one.isEmpty: try? test.folder.removeDirectory(one)
            default: try? test.folder.write(one.isEmpty ? "f\(step)" : "\(one)/f\(step)")
            }
            if random.below(8) == 0 { _ = try test.hints() }
            if random.below(40) == 0 { _ = try test.pass(milliseconds: Int64(random.below(300))) }
        }
        _ = try test.pass(milliseconds: 20_000)
        #expect(test.watchedPaths == test.folder.directories())
        for directory in test.folder.directories() {
            try test.folder.write(directory.isEmpty ? Array("f".utf8) : directory + Array("/f".utf8))
            let wanted = directory.isEmpty ? path("f") : path(directory + Array("/f".utf8))
            #expect(try test.hints() == [.entry(wanted, writing: false)])
        }
        #expect(try test.pass(milliseconds: 1000) == [])
        #expect(test.tree.deadline == nil)
    }
}

/// Numbers that look random and are the same in each run.
struct Random {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 33) % bound
    }
}
