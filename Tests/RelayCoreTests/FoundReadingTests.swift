// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// Small files that were read where they were found.
@Suite struct FoundReadingTests {
    private let agent = A()
    private let file = A.file("f", 9)

    private func description(_ bytes: UInt8) -> ContentDescription {
        let chunk = ChunkReference(id: ChunkID(Bytes32(1, 2, 3, UInt64(bytes))), sizeBytes: UInt32(bytes))
        return ContentDescription(
            content: ContentID(Bytes32(9, 9, 9, UInt64(bytes))), sizeBytes: UInt64(bytes),
            manifest: Manifest([chunk]),
            inline: EncodedChunk(
                encoding: .raw, sizeBytes: UInt32(bytes), bytes: [UInt8](repeating: 1, count: Int(bytes))))
    }

    private func found(_ entry: FoundEntry, reading: ReadOutcome?) -> ScanResult {
        ScanResult(
            request: .entry(A.path("f")), outcome: .entry(directory: A.rootIdentity, entry), reading: reading)
    }

    private func look() throws {
        try agent.begin()
        let effects = try agent.say(.hints([.entry(A.path("f"), writing: false)]))
        #expect(effects.looks == [.entry(A.path("f"))])
    }

    @Test func `a file that was read where it was found is proposed in the same turn`() throws {
        try look()
        let content = description(3)
        let reading = ReadOutcome.content(content, file.fingerprint, trusted: true)
        let effects = try agent.say(.scanned([found(file, reading: reading)]))
        #expect(effects.reads == [])
        let batch = try #require(effects.batch)
        #expect(batch.operations.count == 1 && batch.offers.map(\.content) == [content.content])
    }

    @Test func `what was read of another state of the file counts for nothing`() throws {
        try look()
        var later = file.fingerprint
        later.changed.seconds += 1
        let reading = ReadOutcome.content(description(3), later, trusted: true)
        let effects = try agent.say(.scanned([found(file, reading: reading)]))
        #expect(effects.batch == nil && effects.reads.map(\.path) == [A.path("f")])
    }

    @Test(arguments: [ReadOutcome.busy, .absent, .failed(Problem(.inputOutput, "cannot read f"))])
    func `a file that could not be read where it was found is read by itself`(reading: ReadOutcome) throws {
        try look()
        let effects = try agent.say(.scanned([found(file, reading: reading)]))
        #expect(effects.batch == nil && effects.reads.map(\.path) == [A.path("f")])
    }

    @Test func `a file that is known already is not taken in again`() throws {
        try look()
        let reading = ReadOutcome.content(description(3), file.fingerprint, trusted: true)
        let batch = try #require(try agent.say(.scanned([found(file, reading: reading)])).batch)
        try agent.say(.message(A.accept(batch, from: 1)))
        let node = batch.operations[0].node
        #expect(agent.replica.node(node)?.isInSync == true)
        _ = try agent.say(.hints([.entry(A.path("f"), writing: false)]))
        let other = ReadOutcome.content(description(4), file.fingerprint, trusted: true)
        let effects = try agent.say(.scanned([found(file, reading: other)]))
        #expect(effects.batch == nil && agent.replica.node(node)?.isInSync == true)
    }

    @Test func `a young file that was read where it was found is read again`() throws {
        try look()
        let reading = ReadOutcome.content(description(3), file.fingerprint, trusted: false)
        let effects = try agent.say(.scanned([found(file, reading: reading)]))
        #expect(effects.batch != nil)
        #expect(try agent.say(.tick, after: 30).reads.map(\.path) == [A.path("f")])
    }
}
