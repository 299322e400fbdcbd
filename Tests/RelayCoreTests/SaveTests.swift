// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// Saves at a person's pace are told at once; those that follow each other at once wait for a pause.
@Suite struct SaveTests {
    private let agent = A()
    private let look = [ScanRequest.entry(A.path("f"))]

    /// The file is saved so much later than the last time; returns whether the engine looks at it at once.
    private func save(after milliseconds: Int64) throws -> Bool {
        let effects = try agent.say(.hints([.entry(A.path("f"), writing: false)]), after: milliseconds)
        guard effects.looks == look else { return false }
        try find()
        return true
    }

    /// The look finds a content that was not there before, which the hub takes.
    private func find() throws {
        let number = UInt64(agent.now)
        var file = A.file("f", 9)
        file.fingerprint.changed.seconds = Int64(number)
        let description = ContentDescription(
            content: ContentID(Bytes32(9, 9, 9, number)), sizeBytes: 4096,
            manifest: Manifest([ChunkReference(id: ChunkID(Bytes32(1, 2, 3, number)), sizeBytes: 4096)]),
            inline: nil)
        let found = ScanResult(
            request: look[0], outcome: .entry(directory: A.rootIdentity, file),
            reading: .content(description, file.fingerprint, trusted: true))
        let batch = try #require(try agent.say(.scanned([found])).batch)
        try agent.say(
            .message(A.accept(batch, from: number)), .message(.changes(A.page([], through: number))))
    }

    /// Saves it every so often, beginning with a new file; returns how many were looked at without a pause.
    private func quickSaves(of count: Int, every milliseconds: Int64) throws -> Int {
        var quick = 0
        while quick < count, try save(after: milliseconds) { quick += 1 }
        return quick
    }

    @Test func `saves at a person's pace are never kept waiting`() throws {
        try agent.begin()
        #expect(try quickSaves(of: 50, every: 1600) == 50)
    }

    @Test func `saves that follow each other at once wait for a pause, or five seconds`() throws {
        try agent.begin()
        // The new file, and three more contents of it.
        #expect(try quickSaves(of: 50, every: 100) == 4)
        #expect(try agent.say(.tick, after: 399).looks == [])
        #expect(try agent.say(.tick, after: 1).looks == look)
        try find()

        var waited: Int64 = 0
        while try !save(after: 100) {
            waited += 100
            if try agent.say(.tick, after: 0).looks == look { break }
        }
        #expect(waited == 5000)
    }

    @Test func `saves go on being quick until one is late`() throws {
        try agent.begin()
        #expect(try quickSaves(of: 50, every: 100) == 4)
        for _ in 0..<10 {
            #expect(try agent.say(.tick, after: 400).looks == look)
            try find()
            #expect(try !save(after: 500))
        }
        #expect(try agent.say(.tick, after: 400).looks == look)
        try find()
        #expect(try save(after: 2700))
        #expect(try save(after: 1600))
    }
}
