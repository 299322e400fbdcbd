// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

/// Disks that are full, directories that cannot be looked into, and mounts whose servers are gone.
@Suite struct FaultTests {
    // MARK: Looking

    @Test func `an entry that cannot be looked at hides no other`() throws {
        let scratch = try Scratch()
        giveAway(scratch)
        scratch.makeDirectory("d")
        for name in ["d/a", "d/b"] { scratch.write(name, "x") }
        // It can be listed, and none of its entries can be looked at.
        #expect(chmod(scratch.path + "/d", 0o744) == 0)
        try asNobody {
            let outcome = scratch.folder.scan([.directory(relative("d"))])[0].outcome
            guard case .directory(_, [], let hidden) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(hidden.map(\.name.description) == ["a", "b"])
            #expect(hidden.map(\.problem.cause) == [.permission, .permission])
            #expect(hidden[0].problem.description == "cannot look at d/a: permission denied")
        }
    }

    @Test func `a mount whose server is gone is a mount, and hides nothing but itself`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("m")
        scratch.write("f", "x")
        let dead = try TemporaryMount(deadAt: scratch.path + "/m")
        defer { withExtendedLifetime(scratch) { dead.unmount() } }
        var status = stat()
        #expect(lstat(dead.path, &status) != 0)
        let outcome = scratch.folder.scan([.directory(.root)])[0].outcome
        guard case .directory(_, let found, let hidden) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(found.map(\.name.description) == ["f"])
        #expect(hidden.map(\.name.description) == ["m"] && hidden.map(\.problem.cause) == [.hidden])
        guard case .failed(let problem) = scratch.folder.scan([.entry(relative("m"))])[0].outcome else {
            Issue.record("found")
            return
        }
        #expect(problem.cause == .hidden)
    }

    // MARK: Full disks

    private let content = contentID("whatever")
    private let size: UInt64 = 3 << 20

    private func stage(_ folder: SharedFolder, _ low: UInt64, _ sizeBytes: UInt64) throws -> StageFile {
        try folder.stage(node: NodeID(high: 4, low: low), content: content, sizeBytes: sizeBytes)
    }

    private func fill(_ file: StageFile, from start: UInt64 = 0) throws {
        for offset in stride(from: start, to: size, by: 1 << 16) {
            try file.write([UInt8](repeating: 7, count: 1 << 16), at: offset)
        }
    }

    @Test func `room belongs to those that were begun first`() throws {
        let disk = try TemporaryMount(tmpfs: "size=8m")
        defer { disk.unmount() }
        let folder = try SharedFolder.open(disk.path + "/share", expecting: nil, create: true)
        defer { folder.close() }
        let first = try stage(folder, 1, size)
        let second = try stage(folder, 2, size)
        // Nothing is written, and all is taken.
        let problem = #expect(throws: Problem.self) { try stage(folder, 3, size) }
        #expect(problem?.cause == .noSpace)
        try stage(folder, 4, 1 << 20).close()
        try fill(first)
        #expect(!folder.hasRoomAgain())
        try fill(second)
        // Each has what it takes by now, and nothing is counted twice.
        try stage(folder, 5, 1 << 20).close()
        #expect(throws: Problem.self) { try stage(folder, 3, size) }
        first.close()
        #expect(!folder.hasRoomAgain())
        folder.unstage(node: NodeID(high: 4, low: 1), content: content)
        #expect(folder.hasRoomAgain())
        #expect(!folder.hasRoomAgain())
        try stage(folder, 3, size).close()
        second.close()
    }

    @Test func `small files leave room for others, and come when there is some`() throws {
        let disk = try TemporaryMount(tmpfs: "size=8m")
        defer { disk.unmount() }
        let folder = try SharedFolder.open(disk.path + "/share", expecting: nil, create: true)
        defer { folder.close() }
        let payload = FilePayload(
            content: content, sizeBytes: 1 << 16, mode: PermissionBits(0o644), modified: .zero)
        let bytes = [UInt8](repeating: 7, count: 1 << 16)
        var count: UInt64 = 0
        let problem = #expect(throws: Problem.self) {
            while count < 200 {
                try folder.stageWhole(node: NodeID(high: 5, low: count), payload, bytes)
                count += 1
            }
        }
        #expect(problem?.cause == .noSpace && count > 64)
        #expect(try folder.stage.names().count == Int(count))
        // What the file system and the agent's own records need is still there.
        let free = try #require(StageRoom.freeBytes(in: folder.stage)).free
        #expect(free >= 100 << 10)
        #expect(!folder.hasRoomAgain())
        for low in 0..<count { folder.unstage(node: NodeID(high: 5, low: low), content: content) }
        #expect(folder.hasRoomAgain())
        try folder.stageWhole(node: NodeID(high: 5, low: 0), payload, bytes)
    }

    @Test func `what was begun and does not fit any more gives back what it has`() throws {
        let disk = try TemporaryMount(tmpfs: "size=8m")
        defer { disk.unmount() }
        let folder = try SharedFolder.open(disk.path + "/share", expecting: nil, create: true)
        defer { folder.close() }
        let file = try stage(folder, 1, size)
        try fill(file, from: size / 2)
        file.close()
        disk.fill("filler")
        #expect(throws: Problem.self) { try stage(folder, 1, size) }
        #expect(try folder.stage.names().isEmpty)
        #expect(unlink(disk.path + "/filler") == 0)
        #expect(folder.hasRoomAgain())
        let again = try stage(folder, 1, size)
        #expect(try again.read(at: 0, count: 10).isEmpty)
    }

    @Test(arguments: [false, true]) func `a full disk stops no removal`(isOpenForWriting: Bool) throws {
        let disk = try TemporaryMount(tmpfs: "size=2m")
        defer { disk.unmount() }
        let path = disk.path + "/share"
        let folder = try SharedFolder.open(path, expecting: nil, create: true)
        defer { folder.close() }
        writeBytes(path + "/f", [UInt8](repeating: 1, count: 4000))
        guard case .entry(_, let found?) = folder.scan([.entry(relative("f"))])[0].outcome else {
            Issue.record("not found")
            return
        }
        let writer = isOpenForWriting ? open(path + "/f", O_WRONLY | O_CLOEXEC | O_APPEND) : -1
        disk.fill("filler")
        // Links that need a block of their own cannot be made.
        let target = String(repeating: "x", count: 2000)
        #expect(symlink(target, disk.path + "/l") != 0 && errno == ENOSPC)
        let step = ApplyStep.remove(relative("f"), expected: found.fingerprint)
        let outcome = folder.apply([ApplyAction(node: NodeID(high: 1, low: 1), step: step)])[0].outcome
        #expect(outcome == .done(nil))
        #expect(access(path + "/f", F_OK) != 0)
        guard isOpenForWriting else {
            #expect(try folder.park.names().isEmpty)
            return
        }
        // What was still being written into is not forgotten for want of a record.
        #expect(folder.settleParked().isEmpty)
        #expect(write(writer, "LATE", 4) == 4)
        close(writer)
        #expect(folder.settleParked() == [relative("f")])
        #expect(bytes(at: path + "/f")?.suffix(4) == Array("LATE".utf8)[...])
        #expect(try folder.park.names().isEmpty)
    }

    @Test(arguments: [UInt(MS_RDONLY), 0])
    func `a folder that cannot be written to is opened, and works once it can`(flags: UInt) throws {
        let disk = try TemporaryMount(tmpfs: "size=2m,nr_inodes=40")
        defer { disk.unmount() }
        let path = disk.path + "/share"
        let first = try SharedFolder.open(path, expecting: nil, create: true)
        writeBytes(path + "/f", [1])
        let record = first.record
        first.close()
        // Read-only, or without an inode left.
        if flags == 0 {
            var number = 0
            while mkdir(disk.path + "/\(number)", 0o755) == 0 { number += 1 }
        } else {
            try #require(mount("tmpfs", disk.path, "tmpfs", flags | UInt(MS_REMOUNT), nil) == 0)
        }
        let folder = try SharedFolder.open(path, expecting: record, create: false)
        defer { folder.close() }
        guard case .entry(_, let found?) = folder.scan([.entry(relative("f"))])[0].outcome else {
            Issue.record("not found")
            return
        }
        let node = NodeID(high: 1, low: 1)
        let removal = ApplyAction(node: node, step: .remove(relative("f"), expected: found.fingerprint))
        if flags == 0 {
            #expect(throws: Problem.self) { try stage(folder, 1, 4) }
            #expect(rmdir(disk.path + "/0") == 0 && rmdir(disk.path + "/1") == 0)
        } else {
            guard case .failed(let problem) = folder.apply([removal])[0].outcome else {
                Issue.record("removed")
                return
            }
            #expect(problem.cause == .readOnly)
            try #require(mount("tmpfs", disk.path, "tmpfs", UInt(MS_REMOUNT), nil) == 0)
        }
        let file = try folder.stage(node: node, content: contentID("new"), sizeBytes: 3)
        try file.write(Array("new".utf8), at: 0)
        let payload = FilePayload(
            content: contentID("new"), sizeBytes: 3, mode: PermissionBits(0o600), modified: .zero)
        try file.finish(payload)
        let over = Displacing.entry(found.fingerprint, keep: true, conflictName: conflict)
        let step = ApplyStep.placeFile(relative("f"), payload, over: over)
        #expect(folder.apply([ApplyAction(node: node, step: step)])[0].outcome.kept == conflict)
        #expect(bytes(at: path + "/f") == Array("new".utf8))
    }

    // MARK: Overlays

    @Test func `entries of a lower layer are the same after they were copied up`() throws {
        let scratch = try Scratch()
        let merged = try TemporaryMount(overlayIn: scratch) { lower in
            for name in ["/d", "/d/e"] { #expect(mkdir(lower + name, 0o755) == 0) }
            for name in ["/f", "/g", "/d/e/h"] { writeBytes(lower + name, Array(name.utf8)) }
        }
        defer { withExtendedLifetime(scratch) { merged.unmount() } }
        let folder = try SharedFolder.open(merged.path, expecting: nil, create: true)
        defer { folder.close() }
        func found(_ name: String) throws -> Fingerprint {
            guard case .entry(_, let entry?) = folder.scan([.entry(relative(name))])[0].outcome else {
                throw Problem(.other, "\(name) is not there")
            }
            return entry.fingerprint
        }
        func apply(_ step: ApplyStep, _ node: NodeID = NodeID(high: 1, low: 1)) -> ApplyOutcome {
            folder.apply([ApplyAction(node: node, step: step)])[0].outcome
        }
        let directory = try found("d")
        let payload = FilePayload(
            content: contentID("new"), sizeBytes: 3, mode: PermissionBits(0o600), modified: .zero)
        let file = try folder.stage(
            node: NodeID(high: 1, low: 1), content: payload.content, sizeBytes: payload.sizeBytes)
        try file.write(Array("new".utf8), at: 0)
        try file.finish(payload)
        let over = Displacing.entry(try found("f"), keep: false, conflictName: conflict)
        guard case .done = apply(.placeFile(relative("f"), payload, over: over)) else {
            Issue.record("a file that nobody edited was kept")
            return
        }
        #expect(apply(.remove(relative("g"), expected: try found("g"))) == .done(nil))
        writeBytes(merged.path + "/d/new", [1])
        #expect(try found("d").identity == directory.identity)
        // A directory of a lower layer cannot be renamed as one.
        let move = ApplyStep.move(from: relative("d"), to: relative("moved"), identity: directory.identity)
        #expect(apply(move) == .done(try found("moved")))
        #expect(bytes(at: merged.path + "/moved/e/h") == Array("/d/e/h".utf8))
        #expect(bytes(at: merged.path + "/moved/new") == [1])
        #expect(access(merged.path + "/d", F_OK) != 0)
        try folder.verifyRoot()
    }

    // MARK: Our own directories

    @Test func `our own directories are made again when somebody removed them`() throws {
        let scratch = try Scratch()
        scratch.write("f.txt", "old")
        scratch.write("g", "x")
        let (node, payload) = try scratch.staged("lost")
        for name in ["stage", "park"] { removeTree(scratch.path + "/.relay/" + name) }
        let lost = ApplyStep.placeFile(relative("h"), payload, over: .nothing)
        #expect(scratch.apply(lost, node: node) == .unstaged)
        removeTree(scratch.path + "/.relay/stage")
        #expect(try scratch.place("new", at: "n", over: .nothing).doneFingerprint != nil)
        removeTree(scratch.path + "/.relay/park")
        let over = try expectation(scratch, "f.txt", keep: false)
        #expect(try scratch.place("new", at: "f.txt", over: over).doneFingerprint != nil)
        removeTree(scratch.path + "/.relay/park")
        let removal = ApplyStep.remove(relative("g"), expected: try scratch.fingerprint("g"))
        #expect(scratch.apply(removal) == .done(nil))
        #expect(scratch.text("f.txt") == "new" && !scratch.exists("g"))
        #expect(rename(scratch.path + "/.relay/stage", scratch.outer + "/stage") == 0)
        scratch.folder.settleParked()
        #expect(try scratch.place("again", at: "m", over: .nothing).doneFingerprint != nil)
        #expect(scratch.exists(".relay/stage") && scratch.exists(".relay/park"))
    }

    // MARK: Crashes

    @Test(arguments: [false, true], [false, true])
    func `a crash between the two steps of a replacement puts the old file back`(
        isTaken: Bool, keep: Bool
    ) throws {
        let scratch = try Scratch()
        scratch.write("f.txt", "old")
        let park = Park(folder: scratch.folder)
        let (id, newcomer) = (Park.makeID(), Park.makeID())
        let (node, payload) = try scratch.staged("new")
        let staged = StageName.bytes(node: node, content: payload.content)
        var record = ParkRecord(
            .displaced, keep: keep, expected: try scratch.fingerprint("f.txt"),
            placed: try scratch.folder.stage.status(staged).identity, conflictName: conflict,
            path: relative("f.txt"))
        try park.write(record, for: newcomer)
        try Kernel.rename(
            scratch.folder.stage.descriptor, staged, to: park.directory.descriptor, newcomer, .noReplace)
        record.placed = nil
        record.reason = .displacing
        try park.write(record, for: id)
        try Kernel.rename(
            scratch.folder.root.descriptor, Array("f.txt".utf8), to: park.directory.descriptor, id, .noReplace
        )
        if isTaken { scratch.write("f.txt", "other") }
        scratch.folder.close()
        try SharedFolder.open(scratch.path, expecting: scratch.folder.record, create: false).close()
        #expect(scratch.text("f.txt") == (isTaken ? "other" : "old"))
        #expect(scratch.text(conflict.description) == (isTaken && keep ? "old" : nil))
        #expect(try scratch.residue().isEmpty)
    }

    /// As a crash leaves a directory whose name was about to be spelled anew.
    @Test(arguments: [false, true])
    func `a directory on its way to another spelling is back after a crash`(isTaken: Bool) throws {
        let scratch = try Scratch()
        scratch.makeDirectory("Dir")
        scratch.write("Dir/f.txt", "text")
        let park = Park(folder: scratch.folder)
        let id = Park.makeID()
        let record = ParkRecord(
            .displacing, keep: true, expected: try scratch.fingerprint("Dir"), placed: nil,
            conflictName: entryName("dir"), path: relative("Dir"))
        try park.write(record, for: id)
        try Kernel.rename(
            scratch.folder.root.descriptor, Array("Dir".utf8), to: park.directory.descriptor, id, .noReplace)
        if isTaken { scratch.makeDirectory("Dir") }
        scratch.folder.close()
        try SharedFolder.open(scratch.path, expecting: scratch.folder.record, create: false).close()
        #expect(scratch.text(isTaken ? "dir/f.txt" : "Dir/f.txt") == "text")
        #expect(try scratch.residue().isEmpty)
    }

    @Test func `a file that was replaced in two steps does not come back when the new one is removed`() throws
    {
        let scratch = try Scratch()
        let folder = scratch.folder(canExchange: false)
        scratch.write("f.txt", "old")
        let over = try expectation(scratch, "f.txt", keep: false)
        let writer = open(scratch.path + "/f.txt", O_WRONLY | O_CLOEXEC)
        #expect(try scratch.place("new", at: "f.txt", over: over, in: folder).doneFingerprint != nil)
        #expect(unlink(scratch.path + "/f.txt") == 0)
        #expect(scratch.folder.settleParked().isEmpty)
        close(writer)
        #expect(scratch.folder.settleParked().isEmpty)
        #expect(try scratch.names().isEmpty && scratch.residue().isEmpty)
    }

    @Test(arguments: [nil, 0o711 as mode_t], [false, true])
    func `a crash while a directory is writable for a step leaves it protected`(
        changed: mode_t?, isMoved: Bool
    ) throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        #expect(chmod(scratch.path + "/d", 0o2555) == 0)
        let directory = try scratch.folder.root.directory(at: relative("d"))
        let paths = [relative("d"), relative("moved")]
        let loosened = try LoosenedDirectory(directory, at: paths, in: Park(folder: scratch.folder))
        #expect(loosened != nil)
        #expect(scratch.mode("d") == 0o2755)
        let name = isMoved ? "moved" : "d"
        if isMoved { #expect(rename(scratch.path + "/d", scratch.path + "/moved") == 0) }
        if let changed { #expect(chmod(scratch.path + "/" + name, changed) == 0) }
        scratch.folder.close()
        try SharedFolder.open(scratch.path, expecting: scratch.folder.record, create: false).close()
        // What somebody has set since stays.
        #expect(scratch.mode(name) == changed.map { UInt32($0) } ?? 0o2555)
        #expect(try scratch.residue().isEmpty)
    }

    @Test func `a note of a directory's mode says the same after it was written`() throws {
        let scratch = try Scratch()
        for path in [RelativePath.root, relative("d/e\nf")] {
            let identity = scratch.folder.rootIdentity
            let note = LoosenedNote(mode: 0o1555, identity: identity, path: path)
            #expect(LoosenedNote(encoded: note.encoded) == note)
            for count in 0..<(note.encoded.count - path.bytes.count) {
                #expect(LoosenedNote(encoded: Array(note.encoded[..<count])) == nil)
            }
        }
    }

    // MARK: Writers

    @Test(arguments: places) func `a file that is written while its mode is set is looked at again`(
        place: String
    ) throws {
        let scratch = try Scratch(in: place)
        scratch.write("f", "aaaa")
        let writer = open(scratch.path + "/f", O_WRONLY | O_CLOEXEC)
        func step() throws -> ApplyStep {
            .setMetadata(
                relative("f"), expected: try scratch.fingerprint("f"), mode: PermissionBits(0o600),
                modified: Timestamp(seconds: 5, nanoseconds: 7))
        }
        #expect(scratch.apply(try step()) == .changed)
        #expect(scratch.mode("f") == 0o600)
        close(writer)
        #expect(scratch.apply(try step()).doneFingerprint != nil)
    }

    // MARK: Descriptors

    @Test func `a folder that is in its place is verified without a descriptor`() throws {
        let scratch = try Scratch()
        #expect(scratch.folder.isRootInPlace())
        let marker = try #require(bytes(at: scratch.path + "/.relay/root"))
        // Written over, replaced, moved into a link: each is looked into.
        writeBytes(scratch.path + "/.relay/root", [UInt8](marker.reversed()))
        #expect(!scratch.folder.isRootInPlace())
        writeBytes(scratch.path + "/.relay/root", marker)
        #expect(scratch.folder.isRootInPlace())
        #expect(rename(scratch.path + "/.relay", scratch.outer + "/relay") == 0)
        #expect(symlink(scratch.outer + "/relay", scratch.path + "/.relay") == 0)
        #expect(!scratch.folder.isRootInPlace())
    }
}
