// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// Who reads a large file is told the chunks that it had before, if the same agent found them.
@Suite struct FormerReadingTests {
    private let agent = A()

    private func found(_ second: Int64, _ sizeBytes: UInt64) -> FoundEntry {
        var file = A.file("f", 9)
        file.fingerprint.sizeBytes = sizeBytes
        file.fingerprint.changed.seconds = second
        return file
    }

    private func manifest(_ second: Int64) -> Manifest {
        Manifest(
            (1...3).map { number in
                ChunkReference(id: ChunkID(Bytes32(number, UInt64(second), 0, 0)), sizeBytes: 700_000)
            })
    }

    /// The file is found to have changed; returns what is asked of who reads it.
    private func change(_ second: Int64, _ sizeBytes: UInt64) throws -> ReadRequest {
        try agent.say(.hints([.entry(A.path("f"), writing: false)]), after: 3000)
        let look = ScanResult(
            request: .entry(A.path("f")),
            outcome: .entry(directory: A.rootIdentity, found(second, sizeBytes)))
        return try #require(try agent.say(.scanned([look])).reads.first)
    }

    /// It is read, and the hub takes it.
    private func answer(_ request: ReadRequest, _ second: Int64, _ sizeBytes: UInt64) throws {
        let description = ContentDescription(
            content: ContentID(Bytes32(UInt64(second), 5, 5, 5)), sizeBytes: sizeBytes,
            manifest: manifest(second), inline: nil)
        let outcome = ReadOutcome.content(description, found(second, sizeBytes).fingerprint, trusted: true)
        let batch = try #require(try agent.say(.read([A.result(request, outcome)])).batch)
        let revision = UInt64(second)
        try agent.say(
            .message(A.accept(batch, from: revision)),
            .message(.changes(A.page([], through: revision))))
    }

    @Test func `of a large file the chunks of the version before are told`() throws {
        try agent.begin()
        let first = try change(1, 2 << 20)
        #expect(first.former == nil)
        try answer(first, 1, 2 << 20)
        let second = try change(2, 3 << 20)
        #expect(second.former == manifest(1))
        try answer(second, 2, 3 << 20)
        #expect(try change(3, 2 << 20).former == manifest(2))
    }

    @Test func `not of a small one`() throws {
        try agent.begin()
        let sizeBytes = EngineLimits.comparedFileBytes - 1
        try answer(try change(1, sizeBytes), 1, sizeBytes)
        let second = try change(2, 2 << 20)
        #expect(second.former == nil)
        try answer(second, 2, 2 << 20)
        #expect(try change(3, sizeBytes).former == nil)
    }

    @Test func `nor what an earlier run found`() throws {
        try agent.begin()
        try answer(try change(1, 2 << 20), 1, 2 << 20)
        agent.restart()
        try agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false))
        let request = try agent.say(.scanned([A.listing([found(2, 2 << 20)])])).reads.first
        #expect(try #require(request).former == nil)
        #expect(agent.replica.manifest(ContentID(Bytes32(1, 5, 5, 5))) == manifest(1))
    }
}
