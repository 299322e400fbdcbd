// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// Moves of files into which nobody could write meanwhile.
@Suite struct UnwrittenMoveTests {
    private let agent = A()
    private let node = NodeID(high: 1 << 63, low: 77)
    private let chunk = EncodedChunk(encoding: .raw, sizeBytes: 3, bytes: [1, 2, 3])
    private let device = DeviceID(Bytes32(1, 1, 1, 1))

    private func page(at name: String, moved: UInt64) -> ChangePage {
        let placement = Placement(parent: .root, name: Fixture.name(name))
        let payload = Fixture.file(3)
        let state = Fixture.state(placement, payload, placed: moved, changed: 1)
        let record = NodeRecord(node: node, revision: Revision(moved), state: state, device: device)
        var page = A.page([record], through: moved)
        if let content = payload.content {
            page.offers = [ContentOffer(content: content, manifest: nil, inline: chunk)]
        }
        return page
    }

    /// A file that is in sync is to be moved; returns its fingerprint and the step.
    private func move() throws -> (Fingerprint, ApplyAction) {
        try agent.begin()
        let place = try #require(try agent.say(.message(.changes(page(at: "f", moved: 1)))).actions.first)
        var fingerprint = A.file("f", 9).fingerprint
        fingerprint.changed.seconds += 100
        try agent.say(.applied([ApplyResult(action: place, outcome: .done(fingerprint))]))
        #expect(agent.replica.node(node)?.isInSync == true)
        let step = try #require(try agent.say(.message(.changes(page(at: "g", moved: 2)))).actions.first)
        return (fingerprint, step)
    }

    @Test func `a file that nobody wrote into while it was moved is not read again`() throws {
        var (fingerprint, action) = try move()
        guard case .move(_, _, _, let expected) = action.step else {
            Issue.record("\(action.step)")
            return
        }
        #expect(expected == fingerprint)
        fingerprint.changed.seconds += 50
        let result = ApplyResult(action: action, outcome: .movedUnwritten(fingerprint))
        let effects = try agent.say(.applied([result]))
        #expect(effects.reads == [])
        #expect(agent.replica.node(node)?.isInSync == true)
        #expect(agent.replica.node(node)?.local?.fingerprint == fingerprint)
    }

    @Test func `a file of which that is not sure is read again`() throws {
        var (fingerprint, action) = try move()
        fingerprint.changed.seconds += 50
        let effects = try agent.say(.applied([ApplyResult(action: action, outcome: .done(fingerprint))]))
        #expect(effects.reads.map(\.path) == [A.path("g")])
    }

    @Test func `a file that is not as it was is read again, whoever could write`() throws {
        var (fingerprint, action) = try move()
        fingerprint.modified.seconds += 50
        let result = ApplyResult(action: action, outcome: .movedUnwritten(fingerprint))
        #expect(try agent.say(.applied([result])).reads.map(\.path) == [A.path("g")])
    }

    @Test func `the hints of such a move are echoes, at both places`() {
        let (from, to) = (A.path("d/f"), A.path("e/g"))
        let fingerprint = A.file("g", 9).fingerprint
        let step = ApplyStep.move(
            from: from, to: to, identity: fingerprint.identity, expected: fingerprint)
        let action = ApplyAction(node: node, step: step)
        var echoes = Echoes()
        echoes.expect([action])
        for path in [from, to] { #expect(echoes.mayExplain(.entry(path, writing: false))) }
        echoes.note([ApplyResult(action: action, outcome: .movedUnwritten(fingerprint))])
        for _ in 0..<2 {
            #expect(echoes.explains(.entry(from, writing: false)) { _ in .nothing })
            #expect(echoes.explains(.entry(to, writing: false)) { _ in .entry(fingerprint) })
        }
        #expect(!echoes.explains(.entry(from, writing: false)) { _ in .entry(fingerprint) })
        echoes.note([ApplyResult(action: action, outcome: .done(fingerprint))])
        #expect(!echoes.mayExplain(.entry(to, writing: false)))
    }
}
