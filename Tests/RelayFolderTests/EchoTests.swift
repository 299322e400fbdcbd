// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

@Suite struct EchoTests {
    private let scratch: Scratch
    private var echoes = Echoes()

    init() throws { scratch = try Scratch() }

    private func hint(_ name: String) -> Hint { .entry(relative(name), writing: false) }

    private mutating func apply(_ step: ApplyStep, node: NodeID = NodeID(high: 9, low: 9)) -> ApplyOutcome {
        let action = ApplyAction(node: node, step: step)
        echoes.expect([action])
        #expect(echoes.mayExplain(.entry(step.path, writing: false)))
        let results = scratch.folder.apply([action])
        echoes.note(results)
        return results[0].outcome
    }

    private mutating func place(_ text: String, at name: String) throws {
        let (node, payload) = try scratch.staged(text)
        #expect(apply(.placeFile(relative(name), payload, over: .nothing), node: node).doneFingerprint != nil)
    }

    private mutating func news(_ hints: [Hint]) -> [Hint] {
        let found = scratch.folder.look(at: hints.map(\.path))
        return zip(hints, found).filter { hint, found in !echoes.explains(hint) { _ in found } }.map(\.0)
    }

    @Test mutating func `what a step left is no news, however often it is told`() throws {
        scratch.makeDirectory("d")
        try place("text", at: "d/f")
        _ = apply(.makeSymlink(relative("l"), target: Array("t".utf8), over: .nothing))
        for _ in 0..<3 { #expect(news([hint("d/f"), hint("l")]) == []) }
        #expect(news([hint("d/g"), hint("d")]) == [hint("d/g"), hint("d")])
        _ = apply(.remove(relative("d/f"), expected: try scratch.fingerprint("d/f")))
        #expect(news([hint("d/f"), .deleted(relative("d/f"))]) == [])
        _ = apply(
            .setMetadata(
                relative("l"), expected: try scratch.fingerprint("l"), mode: PermissionBits(0o777),
                modified: nil))
        #expect(news([hint("l")]) == [hint("l")])
    }

    @Test(arguments: ["write", "replace", "mode", "move", "remove"])
    mutating func `what somebody does afterwards is news`(deed: String) throws {
        try place("text", at: "f")
        #expect(news([hint("f")]) == [])
        switch deed {
        case "write": scratch.write("f", "else")
        case "replace": scratch.replace("f", "text")
        case "mode": #expect(chmod(scratch.path + "/f", 0o600) == 0)
        case "move": #expect(rename(scratch.path + "/f", scratch.path + "/g") == 0)
        default: #expect(unlink(scratch.path + "/f") == 0)
        }
        #expect(news([hint("f")]) == [hint("f")])
        // Once something else was seen there, what was left is history, even where it is back.
        #expect(news([hint("f")]) == [hint("f")])
    }

    @Test mutating func `what comes anew where a step removed something is news`() throws {
        scratch.write("f", "old")
        _ = apply(.remove(relative("f"), expected: try scratch.fingerprint("f")))
        scratch.write("f", "new")
        #expect(news([hint("f")]) == [hint("f")])
    }

    @Test mutating func `a look by others makes every hint news`() throws {
        scratch.makeDirectory("d")
        try place("1", at: "d/f")
        try place("2", at: "d/g")
        try place("3", at: "h")
        echoes.forget(.entry(relative("h")))
        #expect(news([hint("d/f"), hint("h")]) == [hint("h")])
        echoes.forget(.directory(relative("d")))
        #expect(!echoes.mayExplain(hint("d/f")) && !echoes.mayExplain(.subtree(relative("d"))))
        #expect(news([hint("d/f"), hint("d/g")]) == [hint("d/f"), hint("d/g")])
        #expect(echoes.isEmpty)
    }

    @Test(arguments: ["move", "remove", "make"])
    mutating func `of what is in another directory by now nothing is explained`(deed: String) throws {
        scratch.makeDirectory("d")
        scratch.makeDirectory("e")
        scratch.write("d/f", "1")
        _ = apply(.remove(relative("d/f"), expected: try scratch.fingerprint("d/f")))
        #expect(news([hint("d/f")]) == [])
        let step: ApplyStep =
            switch deed {
            case "move":
                .move(
                    from: relative("e"), to: relative("d"), identity: try scratch.fingerprint("e").identity)
            case "remove":
                .removeDirectory(relative("d"), identity: try scratch.fingerprint("d").identity)
            default: .makeDirectory(relative("d"), mode: PermissionBits(0o755))
            }
        echoes.note(scratch.folder.apply([ApplyAction(node: NodeID(high: 9, low: 9), step: step)]))
        #expect(news([hint("d/f")]) == [hint("d/f")])
    }

    @Test mutating func `a file that is being written and a subtree are news`() throws {
        try place("text", at: "f")
        #expect(news([.subtree(relative("f"))]) == [.subtree(relative("f"))])
        #expect(news([.entry(relative("f"), writing: true), hint("f")]).count == 2)
    }

    @Test mutating func `a step that failed leaves no trace, and takes away the one before`() throws {
        try place("text", at: "f")
        let (node, payload) = try scratch.staged("other")
        #expect(apply(.placeFile(relative("f"), payload, over: .nothing), node: node) == .occupied)
        #expect(news([hint("f")]) == [hint("f")])
    }

    @Test mutating func `only the latest steps are remembered`() throws {
        scratch.write("any", "")
        let any = try scratch.fingerprint("any")
        for index in 0..<10_000 {
            let action = ApplyAction(
                node: NodeID(high: 1, low: 1), step: .remove(relative("f\(index)"), expected: any))
            echoes.note([ApplyResult(action: action, outcome: .done(nil))])
        }
        #expect(news([hint("f9999"), hint("f0")]) == [hint("f0")])
    }
}
