// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

@Suite struct ChangeTests {
    // MARK: Directories

    @Test func `a directory gets its mode whatever the umask`() throws {
        let scratch = try Scratch()
        for mode: UInt32 in [0o777, 0o555, 0o000] {
            let path = relative("d\(mode)")
            let outcome = scratch.apply(.makeDirectory(path, mode: PermissionBits(mode)))
            #expect(outcome == .done(try scratch.fingerprint("d\(mode)")))
            #expect(scratch.mode("d\(mode)") == mode)
        }
        let again = ApplyStep.makeDirectory(relative("d0"), mode: PermissionBits(0o755))
        #expect(scratch.apply(again) == .occupied)
        #expect(
            scratch.apply(.makeDirectory(relative("x/y"), mode: PermissionBits(0o755))) == .absent)
    }

    @Test func `only the very directory is removed, and only if it is empty`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        scratch.write("d/f", "x")
        let identity = try scratch.fingerprint("d").identity
        let step = ApplyStep.removeDirectory(relative("d"), identity: identity)
        #expect(scratch.apply(step) == .notEmpty)
        #expect(unlink(scratch.path + "/d/f") == 0)
        #expect(rename(scratch.path + "/d", scratch.path + "/e") == 0)
        scratch.makeDirectory("d")
        #expect(scratch.apply(step) == .changed)
        #expect(scratch.apply(.removeDirectory(relative("e"), identity: identity)) == .done(nil))
        #expect(scratch.apply(.removeDirectory(relative("e"), identity: identity)) == .absent)
        #expect(try scratch.names() == ["d"])
    }

    // MARK: Moves

    @Test func `a file that nobody can write into while it is moved is known to be as it was`() throws {
        let scratch = try Scratch()
        scratch.write("f", "x")
        let before = try scratch.fingerprint("f")
        let step = ApplyStep.move(
            from: relative("f"), to: relative("g"), identity: before.identity, expected: before)
        let outcome = scratch.apply(step)
        #expect(outcome == .movedUnwritten(try scratch.fingerprint("g")))
    }

    @Test(arguments: [true, false])
    func `a file that may have been written into is not`(isOpen: Bool) throws {
        let scratch = try Scratch()
        scratch.write("f", "x")
        let before = try scratch.fingerprint("f")
        let writer = isOpen ? open(scratch.path + "/f", O_WRONLY | O_CLOEXEC) : -1
        defer { if isOpen { close(writer) } }
        if !isOpen { scratch.write("f", "y") }
        let step = ApplyStep.move(
            from: relative("f"), to: relative("g"), identity: before.identity, expected: before)
        #expect(scratch.apply(step) == .done(try scratch.fingerprint("g")))
    }

    @Test func `what is never reported is a problem where it is in the way`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        #expect(mkfifo(scratch.path + "/d/pipe", 0o600) == 0)
        scratch.write("f", "x")
        let identity = try scratch.fingerprint("d").identity
        let file = try scratch.fingerprint("f").identity
        let outcomes = [
            try scratch.place("new", at: "d/pipe", over: .nothing),
            scratch.apply(.makeDirectory(relative("d/pipe"), mode: PermissionBits(0o755))),
            scratch.apply(.move(from: relative("f"), to: relative("d/pipe"), identity: file)),
            scratch.apply(.removeDirectory(relative("d"), identity: identity)),
        ]
        for outcome in outcomes {
            guard case .failed(let problem) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(problem.description.contains("pipe"))
        }
    }

    // MARK: Moves

    @Test(arguments: places, [true, false])
    func `files and directories are moved with all beneath`(place: String, canRefuse: Bool) throws {
        let scratch = try Scratch(in: place)
        let folder = scratch.folder(canExchange: true, canRefuseReplacement: canRefuse)
        scratch.makeDirectory("d")
        scratch.makeDirectory("to")
        scratch.write("d/f", "x")
        for name in ["d", "d/f"] {
            let identity = try scratch.fingerprint(name).identity
            let target = name == "d" ? "to/e" : "g"
            let source = name == "d" ? "d" : "to/e/f"
            if name == "d" {
                let step = ApplyStep.move(from: relative(source), to: relative(target), identity: identity)
                #expect(scratch.apply(step, in: folder) == .done(try scratch.fingerprint(target)))
            }
            guard name == "d" else { continue }
            let file = try scratch.fingerprint("to/e/f").identity
            let step = ApplyStep.move(from: relative("to/e/f"), to: relative("g"), identity: file)
            #expect(scratch.apply(step, in: folder) == .done(try scratch.fingerprint("g")))
            break
        }
        #expect(scratch.text("g") == "x")
        #expect(try scratch.names(relative("to/e")).isEmpty)
    }

    @Test(arguments: [true, false]) func `nothing is moved over anything`(canRefuse: Bool) throws {
        let scratch = try Scratch()
        let folder = scratch.folder(canExchange: true, canRefuseReplacement: canRefuse)
        scratch.write("f", "f")
        scratch.write("g", "g")
        scratch.makeDirectory("d")
        scratch.makeDirectory("e")
        #expect(link(scratch.path + "/f", scratch.path + "/h") == 0)
        for (from, to) in [("f", "g"), ("f", "d"), ("d", "f"), ("d", "e"), ("f", "h")] {
            let identity = try scratch.fingerprint(from).identity
            let step = ApplyStep.move(from: relative(from), to: relative(to), identity: identity)
            #expect(scratch.apply(step, in: folder) == .occupied)
        }
        #expect(scratch.text("f") == "f" && scratch.text("g") == "g" && scratch.exists("h"))
    }

    @Test func `something else than expected is not moved`() throws {
        let scratch = try Scratch()
        scratch.write("f", "f")
        let identity = try scratch.fingerprint("f").identity
        scratch.replace("f", "other")
        let step = ApplyStep.move(from: relative("f"), to: relative("g"), identity: identity)
        #expect(scratch.apply(step) == .changed)
        #expect(unlink(scratch.path + "/f") == 0)
        #expect(scratch.apply(step) == .absent)
        #expect(!scratch.exists("g"))
    }

    @Test func `in a batch a moved directory is found at its new place`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        let identity = try scratch.fingerprint("d").identity
        let (first, one) = try scratch.staged("1")
        let (second, two) = try scratch.staged("2")
        let (third, three) = try scratch.staged("3")
        let results = scratch.folder.apply([
            ApplyAction(node: first, step: .placeFile(relative("d/1"), one, over: .nothing)),
            ApplyAction(
                node: .root, step: .move(from: relative("d"), to: relative("e"), identity: identity)),
            ApplyAction(node: second, step: .placeFile(relative("d/2"), two, over: .nothing)),
            ApplyAction(node: third, step: .placeFile(relative("e/3"), three, over: .nothing)),
        ])
        #expect(results.map { $0.outcome == .absent } == [false, false, true, false])
        #expect(try scratch.names(relative("e")) == ["1", "3"])
    }

    // MARK: Mode and time

    @Test(arguments: places) func `mode and time are set on what is as expected`(place: String) throws {
        let scratch = try Scratch(in: place)
        scratch.write("f", "x", mode: 0o4755)
        let time = Timestamp(seconds: -5, nanoseconds: 7)
        for mode: UInt32 in [0o600, 0o000, 0o777] {
            let step = ApplyStep.setMetadata(
                relative("f"), expected: try scratch.fingerprint("f"), mode: PermissionBits(mode),
                modified: time)
            let outcome = scratch.apply(step)
            let now = try scratch.fingerprint("f")
            #expect(outcome == .done(now))
            #expect(now.mode == UInt16(mode) && now.modified == time)
            #expect(scratch.apply(step) == .changed)
        }
    }

    @Test func `a directory may have got entries since`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        let before = try scratch.fingerprint("d")
        scratch.write("d/f", "x")
        let step = ApplyStep.setMetadata(
            relative("d"), expected: before, mode: PermissionBits(0o500), modified: nil)
        #expect(scratch.apply(step) == .done(try scratch.fingerprint("d")))
        #expect(scratch.mode("d") == 0o500)
        #expect(scratch.apply(step) == .changed)
    }

    @Test func `an edited file keeps its mode, a link has none`() throws {
        let scratch = try Scratch()
        scratch.write("f", "x")
        let before = try scratch.fingerprint("f")
        scratch.write("f", "xy")
        let step = ApplyStep.setMetadata(
            relative("f"), expected: before, mode: PermissionBits(0), modified: nil)
        #expect(scratch.apply(step) == .changed)
        #expect(scratch.mode("f") == 0o644)
        #expect(symlink(scratch.path + "/f", scratch.path + "/l") == 0)
        let link = ApplyStep.setMetadata(
            relative("l"), expected: try scratch.fingerprint("l"), mode: PermissionBits(0), modified: nil)
        guard case .failed = scratch.apply(link) else {
            Issue.record("set the mode of a link")
            return
        }
        #expect(scratch.mode("f") == 0o644)
    }

    @Test func `the mode of a file that cannot be opened can be set by its owner`() throws {
        let scratch = try Scratch()
        giveAway(scratch)
        scratch.write("f", "x", mode: 0)
        #expect(chown(scratch.path + "/f", 65_534, 65_534) == 0)
        let step = ApplyStep.setMetadata(
            relative("f"), expected: try scratch.fingerprint("f"), mode: PermissionBits(0o640),
            modified: Timestamp(seconds: 1, nanoseconds: 2))
        try asNobody { #expect(scratch.apply(step).doneFingerprint?.mode == 0o640) }
    }

    // MARK: Removals

    @Test(arguments: places) func `the expected file or link is removed`(place: String) throws {
        let scratch = try Scratch(in: place)
        scratch.write("f", "x")
        #expect(symlink("f", scratch.path + "/l") == 0)
        for name in ["l", "f"] {
            let step = ApplyStep.remove(relative(name), expected: try scratch.fingerprint(name))
            #expect(scratch.apply(step) == .done(nil))
            #expect(scratch.apply(step) == .absent)
        }
        #expect(try scratch.names().isEmpty)
        #expect(try scratch.residue().isEmpty)
    }

    @Test func `whatever is not as expected is not removed`() throws {
        let scratch = try Scratch()
        scratch.write("f", "x")
        let step = ApplyStep.remove(relative("f"), expected: try scratch.fingerprint("f"))
        scratch.write("f", "y")
        #expect(scratch.apply(step) == .changed)
        let same = ApplyStep.remove(relative("f"), expected: try scratch.fingerprint("f"))
        let time = try scratch.fingerprint("f").modified
        scratch.write("f", "Y")
        touch(scratch.path + "/f", time)
        #expect(scratch.apply(same) == .changed)
        #expect(scratch.text("f") == "Y")
        scratch.replace("f", "z")
        #expect(scratch.apply(step) == .changed)
        #expect(unlink(scratch.path + "/f") == 0)
        scratch.makeDirectory("f")
        #expect(scratch.apply(step) == .changed)
        #expect(scratch.exists("f"))
        #expect(try scratch.residue().isEmpty)
    }

    // MARK: Write protection

    @Test func `a write-protected directory of our own is opened for the step and closed again`() throws {
        let scratch = try Scratch()
        giveAway(scratch)
        try asNobody {
            let outcome = scratch.apply(.makeDirectory(relative("d"), mode: PermissionBits(0o555)))
            #expect(outcome.doneFingerprint != nil)
            #expect(try scratch.place("one", at: "d/f", over: .nothing).doneFingerprint != nil)
            let over = try expectation(scratch, "d/f", keep: true)
            #expect(try scratch.place("two", at: "d/f", over: over).kept == conflict)
            let expected = try scratch.fingerprint("d/f")
            #expect(scratch.apply(.remove(relative("d/f"), expected: expected)) == .done(nil))
        }
        #expect(scratch.mode("d") == 0o555)
        #expect(try scratch.names(relative("d")) == [conflict.description])
    }

    @Test func `a directory of somebody else is a problem`() throws {
        let scratch = try Scratch()
        giveAway(scratch)
        scratch.makeDirectory("d")
        scratch.write("d/f", "x")
        try asNobody {
            let expected = try scratch.fingerprint("d/f")
            guard case .failed(let problem) = scratch.apply(.remove(relative("d/f"), expected: expected))
            else {
                Issue.record("removed")
                return
            }
            #expect(problem.cause == .permission)
        }
        #expect(scratch.text("d/f") == "x")
        #expect(try scratch.residue().isEmpty)
    }
}
