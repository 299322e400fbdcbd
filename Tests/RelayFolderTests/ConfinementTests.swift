// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import RelayCore
import Synchronization
import Testing

@testable import RelayFolder

/// Nothing outside the root is ever touched, whatever becomes of the directories inside.
@Suite struct ConfinementTests {
    @Test func `S09 a parent that became a link is not passed by any call`() throws {
        let scratch = try Scratch()
        let outside = try Outside(scratch)
        scratch.makeDirectory("d")
        scratch.write("d/f", "x")
        scratch.makeDirectory("d/e")
        let file = try scratch.fingerprint("d/f")
        let directory = try scratch.fingerprint("d/e")
        #expect(rename(scratch.path + "/d", scratch.path + "/away") == 0)
        #expect(symlink(outside.path, scratch.path + "/d") == 0)

        let (node, payload) = try scratch.staged("new")
        let over = Displacing.entry(file, keep: true, conflictName: conflict)
        let mode = PermissionBits(0o777)
        let steps: [ApplyStep] = [
            .placeFile(relative("d/new"), payload, over: .nothing),
            .placeFile(relative("d/f"), payload, over: over),
            .makeSymlink(relative("d/l"), target: [0x78], over: .nothing),
            .makeSymlink(relative("d/f"), target: [0x78], over: over),
            .makeDirectory(relative("d/g"), mode: mode),
            .move(from: relative("d/f"), to: relative("g"), identity: file.identity),
            .move(from: relative("away/f"), to: relative("d/g"), identity: file.identity),
            .setMetadata(relative("d/f"), expected: file, mode: mode, modified: .zero),
            .remove(relative("d/f"), expected: file),
            .removeDirectory(relative("d/e"), identity: directory.identity),
        ]
        for step in steps { #expect(scratch.apply(step, node: node) == .absent, "\(step)") }
        #expect(scratch.read("d/f") == .absent)
        #expect(throws: Problem.self) { try scratch.folder.openSource(relative("d/f"), expecting: file) }
        #expect(throws: Problem.self) { try scratch.folder.makeDirectories(relative("d/g/h")) }
        #expect(throws: Problem.self) { try scratch.folder.removeTree(relative("d/f")) }
        let upload = try scratch.folder.stage(node: node, content: payload.content, sizeBytes: 3)
        #expect(throws: Problem.self) {
            try scratch.folder.adoptUpload(upload, at: relative("d/f"), mode: mode, modified: nil)
        }
        try outside.expectUntouched()
        #expect(scratch.text("away/f") == "x")

        // A person's delete takes the link, not what it leads to.
        try scratch.folder.removeTree(relative("d"))
        #expect(!scratch.exists("d"))
        try outside.expectUntouched()
    }

    @Test func `S09 links to the outside are neither read, opened, changed nor followed`() throws {
        let scratch = try Scratch()
        let outside = try Outside(scratch)
        #expect(symlink(outside.path + "/f", scratch.path + "/l") == 0)
        #expect(symlink(outside.path, scratch.path + "/d") == 0)
        #expect(scratch.read("l") == .absent)
        let link = try scratch.fingerprint("l")
        let step = ApplyStep.setMetadata(
            relative("l"), expected: link, mode: PermissionBits(0), modified: .zero)
        _ = scratch.apply(step)
        let over = Displacing.entry(link, keep: false, conflictName: conflict)
        #expect(try scratch.place("new", at: "l", over: over).doneFingerprint != nil)
        let removal = ApplyStep.remove(relative("d"), expected: try scratch.fingerprint("d"))
        #expect(scratch.apply(removal) == .done(nil))
        try outside.expectUntouched()
    }

    @Test func `S09 a stage file that was replaced by a link is not written through`() throws {
        let scratch = try Scratch()
        let outside = try Outside(scratch)
        let (node, payload) = try scratch.staged("new")
        let name = String(
            decoding: StageName.bytes(node: node, content: payload.content), as: UTF8.self)
        #expect(unlink(scratch.path + "/.relay/stage/" + name) == 0)
        #expect(symlink(outside.path + "/f", scratch.path + "/.relay/stage/" + name) == 0)
        let file = try scratch.folder.stage(node: node, content: payload.content, sizeBytes: 3)
        try file.write([1, 2, 3], at: 0)
        file.close()
        #expect(link(outside.path + "/f", scratch.path + "/.relay/stage/other") == 0)
        try outside.expectUntouched(linked: true)
    }

    @Test func `S09 a directory that turns into a link and back does not let anything out`() throws {
        let scratch = try Scratch()
        let outside = try Outside(scratch)
        scratch.makeDirectory("d")
        scratch.write("d/f", "x")
        #expect(symlink(outside.path, scratch.path + "/swap") == 0)
        let path = scratch.path
        let isStopped = Atomic<Bool>(false)
        try withThread {
            while !isStopped.load(ordering: .relaxed) {
                _ = relay_renameat2(
                    AT_FDCWD, path + "/d", AT_FDCWD, path + "/swap", RELAY_RENAME_EXCHANGE)
            }
        } during: {
            for round in 0..<400 {
                _ = scratch.folder.scan([.directory(relative("d"))])
                if let content = scratch.read("d/f").content { #expect(content.content == contentID("x")) }
                _ = try scratch.place("r", at: "d/r\(round)", over: .nothing)
                _ = scratch.apply(.makeDirectory(relative("d/m\(round)"), mode: PermissionBits(0o777)))
                try? scratch.folder.removeTree(relative("d/m\(round)"))
            }
            isStopped.store(true, ordering: .relaxed)
        }
        try outside.expectUntouched()
    }
}

/// A directory beside the share, with what it must look like at the end.
private struct Outside {
    let path: String
    private let before: [Fingerprint]

    init(_ scratch: Scratch) throws {
        path = scratch.outer + "/outside"
        #expect(mkdir(path, 0o755) == 0)
        writeBytes(path + "/f", Array("secret".utf8))
        #expect(mkdir(path + "/e", 0o755) == 0)
        before = try Self.look(path)
    }

    func expectUntouched(linked: Bool = false) throws {
        let after = try Self.look(path)
        #expect(bytes(at: path + "/f") == Array("secret".utf8))
        if linked {
            #expect(zip(after, before).allSatisfy { $0.isUnchangedButForLinks($1) })
        } else {
            #expect(after == before)
        }
    }

    private static func look(_ path: String) throws -> [Fingerprint] {
        let number = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        let directory = Directory(Descriptor(number), isReadable: true)
        #expect(try directory.names().sorted().map(\.description) == ["e", "f"])
        return try [directory.status(), directory.status([0x65]), directory.status([0x66])].map(\.fingerprint)
    }
}
