// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

@Suite struct PersonTests {
    private let mode = PermissionBits(0o644)

    private func upload(_ scratch: Scratch, _ text: String) throws -> StageFile {
        let node = NodeID(high: .random(in: 0 ... .max), low: 1)
        let file = try scratch.folder.stage(node: node, content: contentID("upload"), sizeBytes: 1)
        try file.write(Array(text.utf8), at: 0)
        return file
    }

    @Test(arguments: places) func `an upload takes its place whatever file is there`(place: String) throws {
        let scratch = try Scratch(in: place)
        let time = Timestamp(seconds: 77, nanoseconds: 0)
        try scratch.folder.adoptUpload(
            try upload(scratch, "one"), at: relative("f"), mode: mode, modified: time)
        #expect(scratch.text("f") == "one")
        #expect(try scratch.fingerprint("f").modified == time)
        try scratch.folder.adoptUpload(
            try upload(scratch, "two"), at: relative("f"), mode: mode, modified: nil)
        #expect(scratch.text("f") == "two")
        #expect(try scratch.fingerprint("f").modified > time)
        #expect(symlink("f", scratch.path + "/l") == 0)
        try scratch.folder.adoptUpload(
            try upload(scratch, "three"), at: relative("l"), mode: mode, modified: nil)
        #expect(scratch.text("l") == "three" && scratch.text("f") == "two")
        #expect(try scratch.names() == ["f", "l"])
        #expect(try scratch.residue().isEmpty)
    }

    @Test func `an upload never takes a directory's place`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        for path in ["d", "x/y", ".relay/y"] {
            let file = try upload(scratch, "one")
            #expect(throws: Problem.self) {
                try scratch.folder.adoptUpload(file, at: relative(path), mode: mode, modified: nil)
            }
        }
        #expect(try scratch.names() == ["d"])
    }

    @Test func `directories are made down to the last`() throws {
        let scratch = try Scratch()
        try scratch.folder.makeDirectories(relative("a/b/c"))
        try scratch.folder.makeDirectories(relative("a/b/c/d"))
        try scratch.folder.makeDirectories(.root)
        #expect(scratch.exists("a/b/c/d"))
        scratch.write("a/f", "x")
        let problem = #expect(throws: Problem.self) {
            try scratch.folder.makeDirectories(relative("a/f/g"))
        }
        #expect(problem?.description.hasPrefix("cannot make the directory a/f/g: ") == true)
        #expect(throws: Problem.self) { try scratch.folder.makeDirectories(relative(".relay/x")) }
    }

    @Test func `a tree is removed, and what links lead to is not`() throws {
        let scratch = try Scratch()
        scratch.write("keep", "x")
        try scratch.folder.makeDirectories(relative("d/e/f"))
        try scratch.folder.makeDirectories(relative("d/g"))
        scratch.write("d/e/f/1", "x")
        scratch.write("d/2", "x")
        #expect(symlink("../keep", scratch.path + "/d/l") == 0)
        #expect(symlink("..", scratch.path + "/d/e/up") == 0)
        #expect(mkfifo(scratch.path + "/d/pipe", 0o600) == 0)
        try scratch.folder.removeTree(relative("d"))
        #expect(try scratch.names() == ["keep"])
        try scratch.folder.removeTree(relative("keep"))
        #expect(try scratch.names().isEmpty)
        for path in [RelativePath.root, relative("none"), relative(".relay"), relative(".relay/root")] {
            #expect(throws: Problem.self) { try scratch.folder.removeTree(path) }
        }
        try scratch.folder.verifyRoot()
    }
}
