// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// What a power cut took from files that the share did not know yet.
@Suite struct LossTests {
    private let agent = A()
    private let node = NodeID(high: 1 << 63, low: 77)

    /// Changed so long before the start, in seconds.
    private func entry(_ name: String, _ inode: UInt64, size: UInt64, _ before: Int64) -> FoundEntry {
        var fingerprint = A.fingerprint(inode, mode: 0o644)
        fingerprint.sizeBytes = size
        fingerprint.modified.seconds = -before - 100
        fingerprint.changed.seconds = -before
        return FoundEntry(name: Fixture.name(name), kind: .file, fingerprint: fingerprint)
    }

    private func read(_ effects: [AgentEffect], _ entry: FoundEntry) throws -> AgentInput {
        let request = try #require(effects.reads.first)
        let size = entry.fingerprint.sizeBytes
        let content = ContentDescription(
            content: ContentID(Bytes32(size, 0, 0, 0)), sizeBytes: size, manifest: Manifest([]), inline: nil)
        return .read([A.result(request, .content(content, entry.fingerprint, trusted: true))])
    }

    /// A file that the hub has was renamed over one that it has not, before the power went; the content that
    /// stands there then has so many bytes. Returns what the engine wants once the hub is there again.
    private func afterPowerCut(leaving size: UInt64) throws -> [AgentEffect] {
        try agent.begin()
        let new = entry("new", 8, size: 5, 30)
        var effects = try agent.say(.hints([.entry(A.path("new"), writing: false)]))
        effects = try agent.showing(["": [new]], effects)
        try agent.say(read(effects, new))
        let placement = Placement(parent: .root, name: Fixture.name("draft"))
        let record = NodeRecord(
            node: node, revision: Revision(1), state: Fixture.state(placement, Fixture.file(3)),
            device: DeviceID(Bytes32(1, 1, 1, 1)))
        var page = A.page([record], through: 1)
        page.offers = [
            ContentOffer(
                content: ContentID(Bytes32(3, 0, 0, 0)), manifest: nil,
                inline: EncodedChunk(encoding: .raw, sizeBytes: 3, bytes: [1, 2, 3]))
        ]
        let place = try #require(try agent.say(.message(.changes(page))).actions.first)
        let draft = entry("draft", 9, size: 3, 20)
        try agent.say(.applied([ApplyResult(action: place, outcome: .done(draft.fingerprint))]))
        #expect(agent.replica.node(node)?.isInSync == true)

        try agent.say(.disconnected)
        let renamed = entry("new", 9, size: 3, 10)
        effects = try agent.showing(["": [renamed]], try agent.say(.rescan))
        try agent.say(read(effects, renamed), after: 1000)
        #expect(agent.replica.node(node)?.local == nil)

        agent.restart()
        let left = entry("new", 9, size: size, 10)
        effects = try agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: true))
        effects = try agent.showing(["": [left]], effects)
        try agent.say(read(effects, left), after: 1000)
        try agent.say(.connected)
        return try agent.say(.message(.welcome(A.welcome())), .message(.changes(A.page([], through: 1))))
    }

    @Test func `what a file was renamed to and lost there comes back where it was`() throws {
        _ = try afterPowerCut(leaving: 0)
        #expect(agent.replica.node(node)?.base == nil)
        #expect(agent.replica.node(node)?.remote?.state != nil)
    }

    @Test func `a file that was renamed and holds what it held is gone from where it was`() throws {
        let effects = try afterPowerCut(leaving: 3)
        #expect(effects.batch?.operations.contains { $0.node == node } == true)
    }
}
