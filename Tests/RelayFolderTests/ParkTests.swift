// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

@Suite struct ParkTests {
    @Test(arguments: places, [true, false])
    func `a late write into a displaced file becomes a conflict copy`(
        place: String, canExchange: Bool
    ) throws {
        let scratch = try Scratch(in: place)
        let folder = scratch.folder(canExchange: canExchange)
        scratch.write("f.txt", "old ")
        let over = try expectation(scratch, "f.txt", keep: false)
        let writer = open(scratch.path + "/f.txt", O_WRONLY | O_CLOEXEC | O_APPEND)
        #expect(try scratch.place("new", at: "f.txt", over: over, in: folder).doneFingerprint != nil)
        #expect(scratch.folder.settleParked().isEmpty)
        #expect(try scratch.residue().count == 2)
        #expect(write(writer, "LATE", 4) == 4)
        close(writer)
        #expect(scratch.folder.settleParked() == [RelativePath([conflict])])
        #expect(scratch.text(conflict.description) == "old LATE")
        #expect(scratch.text("f.txt") == "new")
        #expect(try scratch.residue().isEmpty)
    }

    @Test(arguments: places) func `a late store through a mapping is found too`(place: String) throws {
        let scratch = try Scratch(in: place)
        scratch.write("f.txt", "aaaa")
        let file = open(scratch.path + "/f.txt", O_RDWR | O_CLOEXEC)
        let mapped = try #require(mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0))
        close(file)
        mapped.storeBytes(of: UInt8(ascii: "b"), as: UInt8.self)
        _ = scratch.read("f.txt", isInsisting: true)
        let over = try expectation(scratch, "f.txt", keep: false)
        #expect(try scratch.place("new", at: "f.txt", over: over).doneFingerprint != nil)
        mapped.storeBytes(of: UInt8(ascii: "c"), toByteOffset: 1, as: UInt8.self)
        munmap(mapped, 4096)
        #expect(scratch.folder.settleParked() == [RelativePath([conflict])])
        #expect(scratch.text(conflict.description) == "bcaa")
        #expect(try scratch.residue().isEmpty)
    }

    @Test(arguments: places)
    func `a mapping that made the same content and goes on is found too`(place: String) throws {
        let scratch = try Scratch(in: place)
        scratch.write("f.txt", "aaaaaaaa")
        let file = open(scratch.path + "/f.txt", O_RDWR | O_CLOEXEC)
        let mapped = try #require(mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0))
        close(file)
        let over = try expectation(scratch, "f.txt", keep: false)
        #expect(truncate(scratch.path + "/f.txt", 4) == 0)
        mapped.copyMemory(from: Array("bbbb".utf8), byteCount: 4)
        #expect(try scratch.place("bbbb", at: "f.txt", over: over).kept == nil)
        #expect(scratch.folder.settleParked().isEmpty)
        mapped.storeBytes(of: UInt8(ascii: "c"), toByteOffset: 1, as: UInt8.self)
        munmap(mapped, 4096)
        #expect(scratch.folder.settleParked() == [RelativePath([conflict])])
        #expect(scratch.text(conflict.description) == "bcbb")
        #expect(try scratch.residue().isEmpty)
    }

    @Test(arguments: places) func `a writer that writes nothing more leaves nothing`(place: String) throws {
        let scratch = try Scratch(in: place)
        scratch.write("f.txt", "old")
        scratch.write("g", "old")
        let over = try expectation(scratch, "f.txt", keep: false)
        let writers = ["f.txt", "g"].map { open(scratch.path + "/" + $0, O_WRONLY | O_CLOEXEC) }
        #expect(try scratch.place("new", at: "f.txt", over: over).doneFingerprint != nil)
        let removal = ApplyStep.remove(relative("g"), expected: try scratch.fingerprint("g"))
        #expect(scratch.apply(removal) == .done(nil))
        #expect(try scratch.residue().count == 4)
        for writer in writers { close(writer) }
        #expect(scratch.folder.settleParked().isEmpty)
        #expect(try scratch.residue().isEmpty)
        #expect(try scratch.names() == ["f.txt"])
    }

    @Test func `a late write into a removed file brings it back`() throws {
        let scratch = try Scratch()
        for isTaken in [false, true] {
            scratch.write("f", "old ")
            let writer = open(scratch.path + "/f", O_WRONLY | O_CLOEXEC | O_APPEND)
            #expect(
                scratch.apply(.remove(relative("f"), expected: try scratch.fingerprint("f"))) == .done(nil))
            if isTaken { scratch.write("f", "again") }
            #expect(write(writer, "LATE", 4) == 4)
            close(writer)
            let returned = scratch.folder.settleParked()
            #expect(returned.count == 1)
            #expect((returned == [relative("f")]) != isTaken)
            #expect(scratch.text(returned[0].description) == "old LATE")
            if isTaken { #expect(scratch.text("f") == "again") }
        }
    }

    @Test func `what comes back to a directory that is gone goes to the next one above`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        scratch.makeDirectory("d/e")
        scratch.write("d/e/f", "old ")
        let writer = open(scratch.path + "/d/e/f", O_WRONLY | O_CLOEXEC | O_APPEND)
        let expected = try scratch.fingerprint("d/e/f")
        #expect(scratch.apply(.remove(relative("d/e/f"), expected: expected)) == .done(nil))
        #expect(rmdir(scratch.path + "/d/e") == 0)
        #expect(write(writer, "LATE", 4) == 4)
        close(writer)
        let returned = scratch.folder.settleParked()
        #expect(returned.map(\.parent) == [relative("d")])
        #expect(scratch.text(returned[0].description) == "old LATE")
    }

    // MARK: After a crash

    @Test func `a crash before the exchange leaves the folder as it was`() throws {
        let scratch = try Scratch()
        scratch.write("f.txt", "old")
        let (node, payload) = try scratch.staged("new")
        let name = StageName.bytes(node: node, content: payload.content)
        let placed = try scratch.folder.stage.status(name).identity
        let (id, park) = (Park.makeID(), Park(folder: scratch.folder))
        let expected = try scratch.fingerprint("f.txt")
        try park.write(record(expected, placed: placed), for: id)
        try Kernel.rename(
            scratch.folder.stage.descriptor, name, to: scratch.folder.park.descriptor, id, .noReplace)
        try reopened(scratch)
        #expect(!scratch.exists(conflict.description))
        #expect(scratch.text("f.txt") == "old")
        #expect(try scratch.residue().isEmpty)
    }

    @Test(arguments: [false, true], [false, true])
    func `a crash after the exchange keeps what must be kept`(isEdited: Bool, keep: Bool) throws {
        let scratch = try Scratch()
        scratch.write("f.txt", "old")
        let expected = try scratch.fingerprint("f.txt")
        if isEdited { scratch.replace("f.txt", "edited") }
        let (node, payload) = try scratch.staged("new")
        let name = StageName.bytes(node: node, content: payload.content)
        let placed = try scratch.folder.stage.status(name).identity
        let (id, park) = (Park.makeID(), Park(folder: scratch.folder))
        try park.write(record(expected, placed: placed, keep: keep), for: id)
        try Kernel.rename(
            scratch.folder.stage.descriptor, name, to: scratch.folder.park.descriptor, id, .noReplace)
        try Kernel.rename(
            scratch.folder.park.descriptor, id, to: scratch.folder.root.descriptor, Array("f.txt".utf8),
            .exchange)
        try reopened(scratch)
        #expect(scratch.text("f.txt") == "new")
        let kept = isEdited ? "edited" : keep ? "old" : nil
        #expect(scratch.text(conflict.description) == kept)
        #expect(try scratch.residue().isEmpty)
    }

    @Test(arguments: [false, true]) func `a crash in a removal keeps an unseen edit`(isEdited: Bool) throws {
        let scratch = try Scratch()
        scratch.write("f.txt", "old")
        let expected = try scratch.fingerprint("f.txt")
        if isEdited { scratch.replace("f.txt", "edited") }
        let (id, park) = (Park.makeID(), Park(folder: scratch.folder))
        var record = record(expected, placed: nil)
        record.reason = .removed
        try park.write(record, for: id)
        try Kernel.rename(
            scratch.folder.root.descriptor, Array("f.txt".utf8), to: scratch.folder.park.descriptor, id,
            .noReplace)
        try reopened(scratch)
        #expect(scratch.text("f.txt") == (isEdited ? "edited" : nil))
        #expect(try scratch.residue().isEmpty)
    }

    @Test func `an entry without a record comes back where a person sees it`() throws {
        let scratch = try Scratch()
        let park = scratch.folder.park
        writeBytes(
            scratch.path + "/.relay/park/" + String(decoding: Park.makeID(), as: UTF8.self),
            Array("lost".utf8))
        let returned = scratch.folder.settleParked()
        #expect(returned.count == 1)
        #expect(scratch.text(returned[0].description) == "lost")
        #expect(try park.names().isEmpty)
    }

    @Test func `a record says the same after it was written, however long`() throws {
        let scratch = try Scratch()
        scratch.write("f", "x")
        let park = Park(folder: scratch.folder)
        let name = EntryName([UInt8](repeating: 0xfe, count: 255)) ?? conflict
        for depth in [1, 2, 100] {
            var record = record(try scratch.fingerprint("f"), placed: scratch.folder.rootIdentity, keep: true)
            record.path = RelativePath([EntryName](repeating: name, count: depth))
            record.conflictName = name
            let id = Park.makeID()
            try park.write(record, for: id)
            #expect(park.record(for: id) == record)
            park.forget(id)
        }
        #expect(try scratch.residue().isEmpty)
        let valid = record(try scratch.fingerprint("f"), placed: nil).encoded
        #expect(ParkRecord(encoded: valid) != nil)
        for count in 0..<valid.count where count < 180 {
            #expect(ParkRecord(encoded: Array(valid[..<count])) == nil)
        }
        #expect(ParkRecord(encoded: valid.dropLast(5) + Array("../etc".utf8)) == nil)
    }

    // MARK: Races

    /// A user who saves by exchange knows what each save has superseded; everything else must survive.
    @Test(arguments: places, [true, false])
    func `a user who saves while files are placed loses nothing`(place: String, canExchange: Bool) throws {
        let scratch = try Scratch(in: place)
        let folder = scratch.folder(canExchange: canExchange)
        scratch.write("f.txt", "first")
        let saves = Saves(path: scratch.path, outer: scratch.outer, count: 400)
        var remote: Set<String> = []
        var seen: Set<ContentID> = []
        try withThread {
            saves.run()
        } during: {
            var round = 0
            while !saves.isDone {
                round += 1
                guard case .content(let content, let found, trusted: _) = scratch.read("f.txt") else {
                    continue
                }
                seen.insert(content.content)
                let over = Displacing.entry(found, keep: false, conflictName: conflict)
                _ = try scratch.place("remote \(round)", at: "f.txt", over: over, in: folder)
                remote.insert("remote \(round)")
            }
        }
        while !scratch.folder.settleParked().isEmpty {}
        var present: Set<String> = []
        for name in try scratch.names() { if let text = scratch.text(name) { present.insert(text) } }
        for token in saves.unsuperseded() where !present.contains(token) {
            let isSeen = seen.contains(contentID(token))
            #expect(isSeen, "\(token) is lost")
        }
        let isKnown = present.subtracting(remote).isSubset(of: saves.tokens + ["first"])
        #expect(isKnown)
    }

    private func record(
        _ expected: Fingerprint, placed: FileIdentity?, keep: Bool = false
    ) -> ParkRecord {
        ParkRecord(
            .displaced, keep: keep, expected: expected, placed: placed, conflictName: conflict,
            path: relative("f.txt"))
    }

    private func reopened(_ scratch: Scratch) throws {
        scratch.folder.close()
        try SharedFolder.open(scratch.path, expecting: scratch.folder.record, create: false).close()
    }
}
