// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import Testing

@testable import RelayFolder

@Suite struct CarriedTests {
    private func payload(_ text: String, mode: UInt32 = 0o640) -> FilePayload {
        FilePayload(
            content: contentID(Array(text.utf8)), sizeBytes: UInt64(text.utf8.count),
            mode: PermissionBits(mode), modified: Timestamp(seconds: 5, nanoseconds: 6))
    }

    private func action(
        _ text: String, at name: String, carrying carried: String? = nil, over: Displacing = .nothing,
        node: UInt64 = 1
    ) -> ApplyAction {
        let bytes = Array((carried ?? text).utf8)
        return ApplyAction(
            node: NodeID(high: 3, low: node), step: .placeFile(relative(name), payload(text), over: over),
            carried: bytes.isEmpty ? .empty : .chunk(ChunkCodec.encode(bytes)))
    }

    /// One sync for each of a few files, one for all of many.
    @Test(arguments: [1, 8, 9, 40]) func `what is carried is placed at once`(count: Int) throws {
        let scratch = try Scratch()
        let results = scratch.folder.apply(
            (0..<count).map { action("text \($0)", at: "f\($0)", node: UInt64($0)) })
        #expect(results.allSatisfy { $0.outcome.doneFingerprint != nil })
        #expect(scratch.text("f0") == "text 0" && scratch.text("f\(count - 1)") == "text \(count - 1)")
        #expect(scratch.mode("f0") == 0o640)
        #expect(try scratch.fingerprint("f0").modified == payload("").modified)
        #expect(try scratch.folder.stage.names().isEmpty)
        #expect(scratch.folder.unsynced.sync([], in: scratch.folder.stage).isEmpty)
    }

    @Test func `an empty content is carried by nothing`() throws {
        let scratch = try Scratch()
        #expect(scratch.folder.apply([action("", at: "f")])[0].outcome.doneFingerprint?.sizeBytes == 0)
        #expect(scratch.text("f") == "")
    }

    @Test(arguments: ["other", "short", "", "much longer than that"])
    func `another content than is wanted is not placed`(carried: String) throws {
        let scratch = try Scratch()
        // Nor what an earlier attempt left half-done.
        let file = try scratch.folder.stage(
            node: NodeID(high: 3, low: 1), content: payload("wants").content, sizeBytes: 5)
        try file.write(Array("wan".utf8), at: 0)
        file.close()
        #expect(scratch.folder.apply([action("wants", at: "f", carrying: carried)])[0].outcome == .unstaged)
        #expect(!scratch.exists("f"))
        #expect(try scratch.folder.stage.names().count == 1)
    }

    @Test func `a damaged chunk is not placed`() throws {
        let scratch = try Scratch()
        var broken = action("wants", at: "f")
        broken.carried = .chunk(EncodedChunk(encoding: .zstd, sizeBytes: 5, bytes: Array("wants".utf8)))
        #expect(scratch.folder.apply([broken])[0].outcome == .unstaged)
        #expect(!scratch.exists("f"))
    }

    @Test func `what finds its name taken leaves nothing behind`() throws {
        let scratch = try Scratch()
        scratch.write("f", "mine")
        let results = scratch.folder.apply(
            [action("yours", at: "f")] + (2..<20).map { action("t\($0)", at: "f\($0)", node: $0) })
        #expect(results[0].outcome == .occupied && results[5].outcome.doneFingerprint != nil)
        #expect(scratch.text("f") == "mine")
        #expect(try scratch.folder.stage.names().isEmpty)
    }

    @Test(arguments: [true, false])
    func `what is carried takes the place of what is known`(canExchange: Bool) throws {
        let scratch = try Scratch()
        scratch.write("f", "before")
        let over = Displacing.entry(
            try scratch.fingerprint("f"), keep: false, conflictName: try #require(EntryName("kept")))
        let folder = scratch.folder(canExchange: canExchange)
        defer { folder.close() }
        #expect(folder.apply([action("after", at: "f", over: over)])[0].outcome.doneFingerprint != nil)
        #expect(scratch.text("f") == "after" && !scratch.exists("kept"))
        #expect(try scratch.folder.stage.names().isEmpty)
    }

    @Test func `what cannot be staged says so, and touches nothing`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory(".relay/stage/carried-0")
        guard case .failed(let problem) = scratch.folder.apply([action("text", at: "f")])[0].outcome else {
            Issue.record("the file was placed")
            return
        }
        #expect(problem.description.hasPrefix("cannot stage f: "))
        #expect(!scratch.exists("f"))
    }

    @Test func `without room nothing is placed or left`() throws {
        let disk = try TemporaryMount(tmpfs: "size=8m")
        defer { disk.unmount() }
        let folder = try SharedFolder.open(disk.path + "/share", expecting: nil, create: true)
        defer { folder.close() }
        disk.fill("filler")
        guard case .failed(let problem) = folder.apply([action("text", at: "f")])[0].outcome else {
            Issue.record("the file was placed")
            return
        }
        #expect(problem.cause == .noSpace)
        #expect(try folder.stage.names().isEmpty)
    }
}
