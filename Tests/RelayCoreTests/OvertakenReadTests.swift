// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// Files are read beside the looks: what was read may be told after a look that found something later.
@Suite struct OvertakenReadTests {
    private func fingerprint(_ second: Int64) -> Fingerprint {
        var fingerprint = A.fingerprint(10, mode: 0o644)
        fingerprint.modified.seconds = second
        fingerprint.changed.seconds = second + 100
        return fingerprint
    }

    private func look(_ second: Int64) -> AgentInput {
        let found = FoundEntry(name: Fixture.name("f"), kind: .file, fingerprint: fingerprint(second))
        return .scanned([
            ScanResult(request: .entry(A.path("f")), outcome: .entry(directory: A.rootIdentity, found))
        ])
    }

    private func read(_ request: ReadRequest, _ second: Int64) -> AgentInput {
        let content = ContentDescription(
            content: ContentID(Bytes32(UInt64(second), 0, 0, 0)), sizeBytes: 4096, manifest: Manifest([]),
            inline: nil)
        let outcome = ReadOutcome.content(content, fingerprint(second), trusted: true)
        return .read([ReadResult(node: request.node, path: request.path, outcome: outcome)])
    }

    private func begin() throws -> (AgentConversation, ReadRequest) {
        let agent = A()
        try agent.begin()
        try agent.say(.hints([.entry(A.path("f"), writing: false)]))
        return (agent, try #require(try agent.say(look(1)).reads.first))
    }

    @Test func `what was read before a file was found changed is read again`() throws {
        let (agent, request) = try begin()
        try agent.say(.hints([.entry(A.path("f"), writing: false)]))
        #expect(try agent.say(look(2)).reads == [])
        let effects = try agent.say(read(request, 1))
        #expect(effects.batch == nil && effects.reads == [request])
        let batch = try #require(try agent.say(read(request, 2)).batch)
        #expect(agent.replica.node(request.node)?.local?.fingerprint == fingerprint(2))
        #expect(batch.operations.count == 1)
    }

    @Test func `what was read after a file was found changed counts`() throws {
        let (agent, request) = try begin()
        try agent.say(.hints([.entry(A.path("f"), writing: false)]))
        try agent.say(look(2))
        #expect(try agent.say(read(request, 2)).batch != nil)
    }

    @Test func `what was read and not looked at yet counts`() throws {
        let (agent, request) = try begin()
        #expect(try agent.say(read(request, 2)).batch != nil)
        try agent.say(.hints([.entry(A.path("f"), writing: false)]))
        #expect(try agent.say(look(2)).reads == [])
    }
}
