// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

@Suite struct PlaceTests {
    @Test(arguments: places) func `a new file stands complete, with its mode and time`(place: String) throws {
        let scratch = try Scratch(in: place)
        let outcome = try scratch.place("hello", at: "f.txt", over: .nothing)
        let fingerprint = try scratch.fingerprint("f.txt")
        #expect(outcome == .done(fingerprint))
        #expect(scratch.text("f.txt") == "hello")
        #expect(fingerprint.mode == 0o640)
        #expect(fingerprint.modified == Timestamp(seconds: 1_700_000_000, nanoseconds: 123_456_789))
        #expect(try scratch.residue().isEmpty)
    }

    @Test func `a taken name is left alone`() throws {
        let scratch = try Scratch()
        scratch.write("f", "mine")
        scratch.makeDirectory("d")
        #expect(symlink("nowhere", scratch.path + "/l") == 0)
        for name in ["f", "d", "l"] {
            #expect(try scratch.place("new", at: name, over: .nothing) == .occupied)
            let link = ApplyStep.makeSymlink(relative(name), target: [0x78], over: .nothing)
            #expect(scratch.apply(link) == .occupied)
        }
        #expect(scratch.text("f") == "mine")
        #expect(try scratch.names() == ["d", "f", "l"])
    }

    @Test func `what was staged stays staged when it cannot be placed`() throws {
        let scratch = try Scratch()
        scratch.write("f", "mine")
        let (node, payload) = try scratch.staged("new")
        #expect(
            scratch.apply(.placeFile(relative("f"), payload, over: .nothing), node: node) == .occupied)
        let other = ApplyStep.placeFile(relative("d/f"), payload, over: .nothing)
        #expect(scratch.apply(other, node: node) == .absent)
        let gone = try expectation(scratch, "f", keep: false)
        #expect(unlink(scratch.path + "/f") == 0)
        #expect(scratch.apply(.placeFile(relative("f"), payload, over: gone), node: node) == .absent)
        let outcome = scratch.apply(.placeFile(relative("f"), payload, over: .nothing), node: node)
        #expect(outcome.doneFingerprint != nil)
        #expect(scratch.text("f") == "new")
        let again = ApplyStep.placeFile(relative("g"), payload, over: .nothing)
        #expect(scratch.apply(again, node: node) == .unstaged)
    }

    @Test(arguments: places, [true, false])
    func `the expected file is replaced`(place: String, canExchange: Bool) throws {
        let scratch = try Scratch(in: place)
        let folder = scratch.folder(canExchange: canExchange)
        scratch.write("f.txt", "old")
        let over = try expectation(scratch, "f.txt", keep: false)
        let outcome = try scratch.place("new", at: "f.txt", over: over, in: folder)
        #expect(outcome == .done(try scratch.fingerprint("f.txt")))
        #expect(scratch.text("f.txt") == "new")
        #expect(try scratch.names() == ["f.txt"])
        #expect(try scratch.residue().isEmpty)
    }

    @Test(arguments: places, [true, false])
    func `a losing file is kept beside`(place: String, canExchange: Bool) throws {
        let scratch = try Scratch(in: place)
        let folder = scratch.folder(canExchange: canExchange)
        scratch.write("f.txt", "old")
        let over = try expectation(scratch, "f.txt", keep: true)
        let outcome = try scratch.place("new", at: "f.txt", over: over, in: folder)
        let kept = try scratch.fingerprint(conflict.description)
        #expect(
            outcome
                == .doneKeeping(
                    try scratch.fingerprint("f.txt"), kept: conflict, keptFingerprint: kept))
        #expect(scratch.text("f.txt") == "new")
        #expect(scratch.text(conflict.description) == "old")
        #expect(try scratch.residue().isEmpty)
    }

    @Test(arguments: places, [true, false])
    func `an edit that nobody has seen is kept beside`(place: String, canExchange: Bool) throws {
        let scratch = try Scratch(in: place)
        let folder = scratch.folder(canExchange: canExchange)
        for edit in [scratch.write(_:_:mode:), { name, text, _ in scratch.replace(name, text) }] {
            scratch.write("f.txt", "old")
            let over = try expectation(scratch, "f.txt", keep: false)
            edit("f.txt", "edited", 0o644)
            let outcome = try scratch.place("new", at: "f.txt", over: over, in: folder)
            #expect(outcome.kept == conflict)
            #expect(scratch.text("f.txt") == "new")
            #expect(scratch.text(conflict.description) == "edited")
            #expect(try scratch.residue().isEmpty)
            #expect(unlink(scratch.path + "/" + conflict.description) == 0)
        }
    }

    @Test(arguments: [true, false])
    func `an unseen edit that made the same content is no conflict`(keep: Bool) throws {
        let scratch = try Scratch()
        scratch.write("f.txt", "old")
        let over = try expectation(scratch, "f.txt", keep: keep)
        scratch.replace("f.txt", "new")
        #expect(try scratch.place("new", at: "f.txt", over: over) == .done(try scratch.fingerprint("f.txt")))
        #expect(try scratch.names() == ["f.txt"])
        #expect(try scratch.residue().isEmpty)
    }

    @Test func `conflict names that are taken are numbered`() throws {
        let scratch = try Scratch()
        for text in ["one", "two", "three"] {
            scratch.write("f.txt", text)
            _ = try scratch.place("new", at: "f.txt", over: try expectation(scratch, "f.txt", keep: true))
        }
        #expect(scratch.text("f (conflict box 2026-11-23).txt") == "one")
        #expect(scratch.text("f (conflict box 2026-11-23) 2.txt") == "two")
        #expect(scratch.text("f (conflict box 2026-11-23) 3.txt") == "three")
    }

    @Test func `numbered names fit, and keep whole characters and the extension`() throws {
        let long = entryName(String(repeating: "ä", count: 120) + ".markdown")
        let numbered = long.numbered(12)
        #expect(numbered.bytes.count <= 255)
        #expect(numbered.description.hasSuffix("ä 12.markdown"))
        #expect(entryName(".profile").numbered(2).description == ".profile 2")
        let full = entryName(String(repeating: "x", count: 255)).numbered(10_000)
        #expect(full.bytes.count == 255 && full.description.hasSuffix("x 10000"))
        #expect(long.numbered(1) == long)
    }

    @Test func `a change of mode or of links alone is looked at again before anything is displaced`() throws {
        let scratch = try Scratch()
        scratch.write("f.txt", "old")
        let before = try expectation(scratch, "f.txt", keep: false)
        #expect(chmod(scratch.path + "/f.txt", 0o700) == 0)
        #expect(try scratch.place("new", at: "f.txt", over: before) == .changed)
        let after = try expectation(scratch, "f.txt", keep: false)
        #expect(link(scratch.path + "/f.txt", scratch.path + "/g") == 0)
        #expect(try scratch.place("new", at: "f.txt", over: after) == .changed)
        #expect(scratch.text("f.txt") == "old")
    }

    @Test func `an edit under a kept size and time is not displaced`() throws {
        let scratch = try Scratch()
        scratch.write("f.txt", "old")
        let over = try expectation(scratch, "f.txt", keep: false)
        let time = try scratch.fingerprint("f.txt").modified
        scratch.write("f.txt", "OLD")
        touch(scratch.path + "/f.txt", time)
        #expect(try scratch.place("new", at: "f.txt", over: over) == .changed)
        #expect(scratch.text("f.txt") == "OLD")
    }

    @Test(arguments: [true, false]) func `a directory in a file's stead is left alone`(canExchange: Bool)
        throws
    {
        let scratch = try Scratch()
        let folder = scratch.folder(canExchange: canExchange)
        scratch.write("f.txt", "old")
        let over = try expectation(scratch, "f.txt", keep: false)
        #expect(unlink(scratch.path + "/f.txt") == 0)
        scratch.makeDirectory("f.txt")
        scratch.write("f.txt/child", "x")
        #expect(try scratch.place("new", at: "f.txt", over: over, in: folder) == .changed)
        #expect(scratch.text("f.txt/child") == "x")
    }

    @Test func `one of two hard links is replaced, the other keeps its content`() throws {
        let scratch = try Scratch()
        scratch.write("f.txt", "old")
        #expect(link(scratch.path + "/f.txt", scratch.path + "/g") == 0)
        let over = try expectation(scratch, "f.txt", keep: false)
        #expect(try scratch.place("new", at: "f.txt", over: over).doneFingerprint != nil)
        #expect(scratch.text("f.txt") == "new")
        #expect(scratch.text("g") == "old")
    }

    @Test(arguments: [true, false]) func `links replace files and files links`(canExchange: Bool) throws {
        let scratch = try Scratch()
        let folder = scratch.folder(canExchange: canExchange)
        scratch.write("f.txt", "old")
        let target = Array("elsewhere".utf8)
        var step = ApplyStep.makeSymlink(
            relative("f.txt"), target: target, over: try expectation(scratch, "f.txt", keep: false))
        #expect(scratch.apply(step, in: folder) == .done(try scratch.fingerprint("f.txt")))
        #expect(try scratch.entry("f.txt")?.kind == .symlink(target: target))

        let over = try expectation(scratch, "f.txt", keep: false)
        #expect(try scratch.place("new", at: "f.txt", over: over, in: folder).doneFingerprint != nil)
        #expect(scratch.text("f.txt") == "new")

        // A link that nobody has seen is content too.
        let file = try expectation(scratch, "f.txt", keep: false)
        #expect(unlink(scratch.path + "/f.txt") == 0)
        #expect(symlink("mine", scratch.path + "/f.txt") == 0)
        step = .makeSymlink(relative("f.txt"), target: target, over: file)
        #expect(scratch.apply(step, in: folder).kept == conflict)
        #expect(try scratch.entry(conflict.description)?.kind == .symlink(target: Array("mine".utf8)))
        #expect(try scratch.residue().isEmpty)
    }

    @Test func `an unsuitable link target is a problem`() throws {
        let scratch = try Scratch()
        let long = [UInt8](repeating: 0x61, count: 5000)
        for target in [[], [0x61, 0, 0x62], long] as [[UInt8]] {
            let outcome = scratch.apply(.makeSymlink(relative("l"), target: target, over: .nothing))
            if !target.isEmpty {
                guard case .failed = outcome else {
                    Issue.record("\(outcome)")
                    continue
                }
            }
            #expect(!scratch.exists("l"))
        }
    }

    @Test func `names of our own are refused`() throws {
        let scratch = try Scratch()
        for path in [RelativePath.root, relative(".relay"), relative(".relay/x")] {
            guard case .failed = scratch.apply(.makeDirectory(path, mode: PermissionBits(0o755))) else {
                Issue.record("made \(path)")
                continue
            }
        }
        scratch.makeDirectory("d")
        let identity = try scratch.fingerprint("d").identity
        for path in [".relay/park/d", ".relay", "d/e"] {
            let step = ApplyStep.move(from: relative("d"), to: relative(path), identity: identity)
            guard case .failed = scratch.apply(step) else {
                Issue.record("moved to \(path)")
                continue
            }
        }
    }

    @Test func `nothing is done in a directory that only has the name of the one that was meant`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        scratch.makeDirectory("e")
        scratch.write("d/f", "of d")
        scratch.write("e/f", "of e")
        let meant = try scratch.fingerprint("d").identity
        let over = try expectation(scratch, "d/f", keep: false)
        let (node, payload) = try scratch.staged("new")
        let steps: [(ApplyStep, NodeID)] = [
            (.placeFile(relative("d/f"), payload, over: over), node),
            (.placeFile(relative("d/g"), payload, over: .nothing), node),
            (.makeDirectory(relative("d/h"), mode: PermissionBits(0o755)), .root),
            (
                .move(
                    from: relative("e/f"), to: relative("d/i"),
                    identity: try scratch.fingerprint("e/f").identity), .root
            ),
        ]
        #expect(rename(scratch.path + "/d", scratch.path + "/x") == 0)
        #expect(rename(scratch.path + "/e", scratch.path + "/d") == 0)
        #expect(rename(scratch.path + "/x", scratch.path + "/e") == 0)
        for (step, node) in steps {
            let action = ApplyAction(node: node, step: step, directory: meant)
            #expect(scratch.folder.apply([action])[0].outcome == .absent)
        }
        #expect(scratch.text("d/f") == "of e")
        #expect(scratch.text("e/f") == "of d")
        #expect(try scratch.names(relative("d")) == ["f"])
        #expect(try scratch.names(relative("e")) == ["f"])
    }

    @Test func `a batch is done in order, and one trouble does not stop the rest`() throws {
        let scratch = try Scratch()
        var actions: [ApplyAction] = []
        for index in 0..<12 {
            let directory = relative("d\(index)")
            actions.append(
                ApplyAction(node: .root, step: .makeDirectory(directory, mode: PermissionBits(0o755))))
            let (node, payload) = try scratch.staged("\(index)")
            actions.append(
                ApplyAction(
                    node: node,
                    step: .placeFile(directory.appending(entryName("f")), payload, over: .nothing)))
        }
        actions.insert(ApplyAction(node: .root, step: .makeDirectory(relative("x/y"), mode: .init(0))), at: 3)
        let results = scratch.folder.apply(actions)
        #expect(results.map(\.action) == actions)
        for (index, result) in results.enumerated() {
            #expect((result.outcome.doneFingerprint != nil) == (index != 3))
        }
        #expect(scratch.text("d11/f") == "11")
    }
}

func expectation(_ scratch: Scratch, _ name: String, keep: Bool) throws -> Displacing {
    .entry(try scratch.fingerprint(name), keep: keep, conflictName: conflict)
}
