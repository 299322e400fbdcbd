// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

@Suite struct StageTests {
    private let node = NodeID(high: 5, low: 5)
    private let content = contentID("whatever")

    @Test(arguments: places) func `an interrupted staging goes on where it was`(place: String) throws {
        let scratch = try Scratch(in: place)
        let first = try scratch.folder.stage(node: node, content: content, sizeBytes: 10)
        try first.write(Array("hello".utf8), at: 5)
        first.close()
        let second = try scratch.folder.stage(node: node, content: content, sizeBytes: 10)
        #expect(try second.read(at: 0, count: 100) == [0, 0, 0, 0, 0] + Array("hello".utf8))
        try second.write(Array("12345".utf8), at: 0)
        #expect(try second.read(at: 3, count: 4) == Array("45he".utf8))
        #expect(scratch.mode(".relay/stage/\(node)-\(content)") == 0o600)
        let time = Timestamp(seconds: 5, nanoseconds: 6)
        try second.finish(
            FilePayload(content: content, sizeBytes: 8, mode: PermissionBits(0o400), modified: time))
        #expect(scratch.mode(".relay/stage/\(node)-\(content)") == 0o400)
        #expect(scratch.text(".relay/stage/\(node)-\(content)") == "12345hel")
        #expect(throws: Problem.self) { try second.write([1], at: 0) }
        // Finished, but not placed: it can be looked at, and finished once more.
        let third = try scratch.folder.stage(node: node, content: content, sizeBytes: 10)
        #expect(try third.read(at: 0, count: 100) == Array("12345hel".utf8))
    }

    /// Whatever an earlier attempt left: a longer file, one that cannot be written to, a link elsewhere.
    @Test(arguments: ["", "longer than the text", "unwritable", "link"])
    func `a small content is staged in one step`(left: String) throws {
        let scratch = try Scratch()
        let path = ".relay/stage/\(node)-\(content)"
        switch left {
        case "": break
        case "link":
            scratch.write("elsewhere", "kept")
            #expect(link(scratch.path + "/elsewhere", scratch.path + "/" + path) == 0)
        default:
            scratch.write(path, left)
            if left == "unwritable" { #expect(chmod(scratch.path + "/" + path, 0) == 0) }
        }
        let payload = FilePayload(
            content: content, sizeBytes: 4, mode: PermissionBits(0o444),
            modified: Timestamp(seconds: 5, nanoseconds: 6))
        try scratch.folder.stageWhole(node: node, payload, Array("text".utf8))
        #expect(scratch.text(path) == "text" && scratch.mode(path) == 0o444)
        if left == "link" { #expect(scratch.text("elsewhere") == "kept") }
        let outcome = scratch.apply(.placeFile(relative("f"), payload, over: .nothing), node: node)
        #expect(outcome.doneFingerprint?.modified == payload.modified && scratch.text("f") == "text")
    }

    @Test func `a small content of zeros takes no room`() throws {
        let scratch = try Scratch()
        let payload = FilePayload(
            content: content, sizeBytes: 16_384, mode: PermissionBits(0o644), modified: .zero)
        try scratch.folder.stageWhole(node: node, payload, [UInt8](repeating: 0, count: 16_384))
        var status = stat()
        #expect(lstat(scratch.path + "/.relay/stage/\(node)-\(content)", &status) == 0)
        #expect(status.st_size == 16_384 && status.st_blocks == 0)
    }

    /// One sync for each of a few files, one for all of many.
    @Test(arguments: [1, 8, 9, 40]) func `small files are on disk before they are placed`(count: Int) throws {
        let scratch = try Scratch()
        let staged = try (0..<count).map { try scratch.staged("text \($0)", mode: $0 == 3 ? 0 : 0o644) }
        let names = staged.map { StageName.bytes(node: $0.0, content: $0.1.content) }
        let actions = staged.enumerated().map { index, file in
            ApplyAction(
                node: file.0, step: .placeFile(relative("f\(index)"), file.1, over: .nothing))
        }
        let results = scratch.folder.apply(actions)
        #expect(results.allSatisfy { $0.outcome.doneFingerprint != nil })
        #expect(scratch.text("f0") == "text 0")
        // Nothing is left to be synced, not even if it is asked for.
        #expect(scratch.folder.unsynced.sync(names, in: scratch.folder.stage).isEmpty)
    }

    @Test func `a file that cannot be brought to the disk is discarded, and not placed`() throws {
        let scratch = try Scratch()
        let (node, payload) = try scratch.staged("text")
        let (other, otherPayload) = try scratch.staged("other text")
        let path = scratch.path + "/.relay/stage/\(node)-\(payload.content)"
        // Pipes cannot be synced.
        #expect(unlink(path) == 0 && mkfifo(path, 0o600) == 0)
        let results = scratch.folder.apply([
            ApplyAction(node: node, step: .placeFile(relative("a"), payload, over: .nothing)),
            ApplyAction(node: other, step: .placeFile(relative("b"), otherPayload, over: .nothing)),
        ])
        guard case .failed = results[0].outcome else {
            Issue.record("what cannot be synced: \(results[0].outcome)")
            return
        }
        #expect(!scratch.exists("a") && scratch.text("b") == "other text")
        #expect(try scratch.residue().isEmpty)
        let again = scratch.apply(.placeFile(relative("a"), payload, over: .nothing), node: node)
        #expect(again == .unstaged)
    }

    @Test func `sweeping keeps what is wanted alone`() throws {
        let scratch = try Scratch()
        for low in UInt64(1)...3 {
            let node = NodeID(high: 0, low: low)
            try scratch.folder.stage(node: node, content: content, sizeBytes: 1).close()
        }
        scratch.write(".relay/stage/foreign", "x")
        scratch.folder.sweepStage(keeping: [NodeID(high: 0, low: 2)])
        #expect(try scratch.residue() == ["\(NodeID(high: 0, low: 2))-\(content)"])
        scratch.folder.unstage(node: NodeID(high: 0, low: 2), content: content)
        scratch.folder.unstage(node: NodeID(high: 0, low: 2), content: content)
        #expect(try scratch.residue().isEmpty)
    }

    @Test func `a file larger than the disk is refused before it is begun`() throws {
        let scratch = try Scratch()
        let problem = #expect(throws: Problem.self) {
            try scratch.folder.stage(node: node, content: content, sizeBytes: 1 << 60)
        }
        #expect(problem?.cause == .noSpace)
        #expect(problem?.description.contains("bytes free") == true)
        #expect(try scratch.residue().isEmpty)
    }

    @Test(arguments: places) func `a full disk is a problem, and the file is left as it was`(
        place: String
    ) throws {
        let scratch = try Scratch()
        scratch.makeDirectory("m")
        guard mount("tmpfs", scratch.path + "/m", "tmpfs", 0, "size=1m") == 0 else { return }
        defer { umount2(scratch.path + "/m", 2) }
        let folder = try SharedFolder(openingInside: scratch.path + "/m/share")
        let file = try folder.stage(node: node, content: content, sizeBytes: 10)
        let problem = #expect(throws: Problem.self) {
            for index in UInt64(0)..<40 {
                try file.write([UInt8](repeating: 7, count: 65_536), at: index << 16)
            }
        }
        #expect(problem?.cause == .noSpace)
        file.close()
        folder.close()
    }

    @Test(arguments: places) func `zeros take no room and are read as zeros`(place: String) throws {
        let scratch = try Scratch(in: place)
        let file = try scratch.folder.stage(node: node, content: content, sizeBytes: 3 << 20)
        try file.write([UInt8](repeating: 1, count: 1 << 20), at: 0)
        try file.write([UInt8](repeating: 0, count: 1 << 20), at: 2 << 20)
        #expect(try file.read(at: (3 << 20) - 3, count: 10) == [0, 0, 0])
        // What was there is gone.
        try file.write([UInt8](repeating: 0, count: 1 << 20), at: 0)
        #expect(try file.read(at: 5, count: 3) == [0, 0, 0])
        try file.finish(
            FilePayload(content: content, sizeBytes: 3 << 20, mode: PermissionBits(0o600), modified: .zero))
        var status = stat()
        #expect(lstat(scratch.path + "/.relay/stage/\(node)-\(content)", &status) == 0)
        #expect(status.st_size == 3 << 20)
        #expect(status.st_blocks * 512 < 256 << 10)
    }

    @Test(arguments: places) func `chunks are copied from other files`(place: String) throws {
        let scratch = try Scratch(in: place)
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        writeBytes(scratch.path + "/f", bytes)
        let source = try scratch.folder.openSource(relative("f"), expecting: try scratch.fingerprint("f"))
        let file = try scratch.folder.stage(node: node, content: content, sizeBytes: 100_000)
        try file.copy(from: source, at: 123_457, count: 100_000, to: 11)
        #expect(try file.read(at: 11, count: 200_000) == Array(bytes[123_457..<223_457]))
        #expect(throws: Problem.self) { try file.copy(from: source, at: 299_990, count: 11, to: 0) }
        source.close()
        #expect(throws: Problem.self) { try file.copy(from: source, at: 0, count: 1, to: 0) }
    }

    @Test func `offsets that no file has are refused`() throws {
        let scratch = try Scratch()
        let file = try scratch.folder.stage(node: node, content: content, sizeBytes: 1)
        for offset in [UInt64.max, UInt64(Int64.max), UInt64(Int64.max) + 1] {
            #expect(throws: Problem.self) { try file.write([1, 2], at: offset) }
            #expect(throws: Problem.self) {
                try file.write([UInt8](repeating: 0, count: 8192), at: offset)
            }
        }
        #expect(throws: Problem.self) {
            try file.finish(
                FilePayload(
                    content: content, sizeBytes: .max, mode: PermissionBits(0o600), modified: .zero))
        }
        // What could not be finished is gone.
        #expect(try scratch.residue().isEmpty)
    }
}

extension SharedFolder {
    fileprivate convenience init(openingInside path: String) throws {
        guard mkdir(path, 0o755) == 0 else { throw FolderError.failed("cannot make \(path)") }
        let root = Directory(
            Descriptor(Glibc.open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)), isReadable: true)
        for name in ["stage", "park"] {
            try Kernel.makeDirectory(root.descriptor, Array(name.utf8), mode: 0o700)
        }
        let stage = try root.directory(at: relative("stage"))
        let park = try root.directory(at: relative("park"))
        self.init(
            path: path,
            record: RootRecord(marker: RootMarker.random(), identity: try root.status().identity),
            root: root, stage: stage, park: park, marker: Descriptor(dup(root.descriptor.number)),
            fileSystem: try FileSystem.probe(in: park, of: root))
    }
}
