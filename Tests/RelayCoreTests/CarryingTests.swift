// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

@Suite struct CarryingTests {
    private let node = NodeID(high: 1 << 63, low: 77)
    private let chunk = EncodedChunk(encoding: .raw, sizeBytes: 3, bytes: [1, 2, 3])

    private func page(_ payload: Payload, through revision: UInt64, inline: EncodedChunk?) -> ChangePage {
        let placement = Placement(parent: .root, name: Fixture.name("f"))
        let state = Fixture.state(placement, payload, placed: 1, changed: revision)
        var page = A.page(
            [
                NodeRecord(
                    node: node, revision: Revision(revision), state: state,
                    device: DeviceID(Bytes32(1, 1, 1, 1)))
            ],
            through: revision)
        if let inline, let content = payload.content {
            page.offers = [ContentOffer(content: content, manifest: nil, inline: inline)]
        }
        return page
    }

    private func placed(_ effects: [AgentEffect]) -> ApplyAction? {
        for case .apply(let actions) in effects { return actions.first }
        return nil
    }

    @Test func `what came with the change is placed without being staged first`() throws {
        let agent = A()
        try agent.begin()
        let effects = try agent.say(.message(.changes(page(Fixture.file(3), through: 1, inline: chunk))))
        let action = try #require(placed(effects))
        #expect(action.carried == .chunk(chunk) && effects.stages == [])
        var fingerprint = A.file("f", 9).fingerprint
        fingerprint.changed.seconds += 100
        let result = ApplyResult(action: action, outcome: .done(fingerprint))
        try agent.say(.applied([result]))
        #expect(agent.replica.node(node)?.isInSync == true)
        #expect(agent.engine.feedOffers.bytes == 0)
    }

    @Test func `what others changed takes turns with a long look through the folder`() throws {
        let agent = A()
        try agent.begin()
        let folder: FolderModel = ["": [A.directory("a", 10), A.directory("b", 11)]]
        _ = try agent.showing(folder, agent.say(.rescan))
        #expect(try agent.say(.rescan).looks == [.directory(.root)])
        // It comes while the look is under way.
        let page = page(Fixture.file(3), through: 1, inline: chunk)
        #expect(placed(try agent.say(.message(.changes(page)))) == nil)
        let effects = try agent.say(.scanned([A.listing(folder[""] ?? [])]))
        let action = try #require(placed(effects))
        #expect(effects.looks == [])
        let done = ApplyResult(action: action, outcome: .done(A.file("f", 9).fingerprint))
        #expect(try agent.say(.applied([done])).looks.contains(.directory(A.path("a"))))
    }

    @Test func `an empty file needs nothing`() throws {
        let agent = A()
        try agent.begin()
        let effects = try agent.say(.message(.changes(page(Fixture.file(0), through: 1, inline: nil))))
        #expect(placed(effects)?.carried == .empty && effects.stages == [])
    }

    @Test func `what did not come with the change is staged first`() throws {
        let agent = A()
        try agent.begin()
        let effects = try agent.say(.message(.changes(page(Fixture.file(3), through: 1, inline: nil))))
        #expect(placed(effects) == nil && effects.stages.map(\.node) == [node])
    }

    @Test(arguments: [
        ApplyOutcome.unstaged, .failed(Problem(.noSpace, "cannot place f: the disk is full")),
    ])
    func `what could not be carried is staged after all`(outcome: ApplyOutcome) throws {
        let agent = A()
        try agent.begin()
        let action = try #require(
            placed(try agent.say(.message(.changes(page(Fixture.file(3), through: 1, inline: chunk))))))
        let effects = try agent.say(.applied([ApplyResult(action: action, outcome: outcome)]))
        let request = try #require(effects.stages.first)
        #expect(request.node == node && request.inline == chunk)
        let next = try agent.say(.staged(node: node, content: request.payload.content, .ready(nil)))
        let again = try #require(placed(next + (try agent.say(.tick, after: 100))))
        #expect(again.carried == nil && again.step == action.step)
    }

    @Test func `the next version is fetched in terms of the one that was fetched before`() throws {
        let agent = A()
        try agent.begin()
        let first = try agent.say(.message(.changes(page(Fixture.file(5), through: 1, inline: nil))))
        let request = try #require(first.stages.first)
        #expect(request.previous == nil)
        let chunks = (1...2).map { ChunkReference(id: ChunkID(Bytes32($0, 0, 0, 0)), sizeBytes: 3) }
        let ready = StageOutcome.ready(Manifest(chunks))
        let staged = try agent.say(.staged(node: node, content: request.payload.content, ready))
        let action = try #require(placed(staged))
        var fingerprint = A.file("f", 9).fingerprint
        fingerprint.changed.seconds += 100
        try agent.say(.applied([ApplyResult(action: action, outcome: .done(fingerprint))]))
        let next = try agent.say(.message(.changes(page(Fixture.file(6), through: 2, inline: nil))))
        let previous = try #require(next.stages.first?.previous)
        #expect(previous.manifest?.chunks == chunks && previous.fingerprint == fingerprint)
    }

    @Test func `a newer content is carried where an older one was being staged`() throws {
        let agent = A()
        try agent.begin()
        var effects = try agent.say(.message(.changes(page(Fixture.file(4), through: 1, inline: nil))))
        #expect(effects.stages.count == 1)
        effects = try agent.say(.message(.changes(page(Fixture.file(3), through: 2, inline: chunk))))
        #expect(placed(effects)?.carried == .chunk(chunk) && effects.stages == [])
        #expect(effects.contains { if case .unstage(node, _) = $0 { true } else { false } })
    }

    @Test func `contents that came with the change and were superseded are kept no longer`() throws {
        let agent = A()
        try agent.begin()
        _ = try agent.say(.message(.changes(page(Fixture.file(3), through: 1, inline: chunk))))
        _ = try agent.say(.message(.changes(page(Fixture.file(0), through: 2, inline: nil))))
        #expect(agent.engine.feedOffers.bytes == 0)
    }
}
