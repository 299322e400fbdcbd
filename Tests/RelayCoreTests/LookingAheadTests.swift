// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// Of a large tree, so much is looked at as can be told; the rest waits for that.
@Suite struct LookingAheadTests {
    private let agent = A(foundAhead: 2)
    private static let files = 2 * EngineLimits.reads + 50
    private let rest = [ScanRequest.directory(A.path("rest"))]

    /// The folder has more files than are read at a time, and a directory that nobody has looked into.
    private func find() throws -> [AgentEffect] {
        try agent.begin()
        #expect(try agent.say(.rescan).looks == [.directory(.root)])
        let files = (0..<Self.files).map { A.file("f\(1000 + $0)", 100 + UInt64($0)) }
        return try agent.say(.scanned([A.listing(files + [A.directory("rest", 9)])]))
    }

    /// Each file is found to hold a content of its own.
    private func results(_ requests: [ReadRequest]) throws -> AgentInput {
        .read(
            try requests.map { request in
                let name = try #require(request.path.name)
                let number = try #require(UInt64(String(decoding: name.bytes.dropFirst(), as: UTF8.self)))
                let chunk = ChunkReference(id: ChunkID(Bytes32(1, 2, 3, number)), sizeBytes: 4096)
                let description = ContentDescription(
                    content: ContentID(Bytes32(9, 9, 9, number)), sizeBytes: 4096,
                    manifest: Manifest([chunk]), inline: nil)
                let fingerprint = A.fingerprint(number - 900, mode: 0o644)
                return A.result(request, .content(description, fingerprint, trusted: true))
            })
    }

    private func accept(_ batch: Batch?, from first: UInt64) throws -> [AgentEffect] {
        let batch = try #require(batch)
        let last = first + UInt64(batch.operations.count) - 1
        return try agent.say(
            .message(A.accept(batch, from: first)), .message(.changes(A.page([], through: last))))
    }

    @Test func `the rest of the folder waits while enough is being read, and told`() throws {
        let first = try find()
        #expect(first.reads.count == EngineLimits.reads && first.looks == [])
        // The directory goes first.
        #expect(try accept(first.batch, from: 1).looks == [])
        let second = try agent.say(results(first.reads))
        #expect(second.reads.count == EngineLimits.reads && second.looks == [])
        #expect(second.batch?.operations.count == EngineLimits.reads)
        // What was read meanwhile waits for the answer.
        let third = try agent.say(results(second.reads))
        #expect(third.reads.count == 50 && third.looks == [])
        #expect(try agent.say(results(third.reads)).looks == [])
        let last = try accept(second.batch, from: 2)
        #expect(last.batch?.operations.count == EngineLimits.reads + 50)
        #expect(last.looks == rest)
    }

    @Test func `nothing waits for a hub that does not answer`() throws {
        let first = try find()
        #expect(first.contains(.wake(Instant(milliseconds: EngineLimits.longestAnswerMilliseconds))))
        let second = try agent.say(results(first.reads))
        let third = try agent.say(results(second.reads))
        #expect(try agent.say(results(third.reads)).looks == [])
        #expect(try agent.say(.tick, after: EngineLimits.longestAnswerMilliseconds).looks == rest)
    }

    @Test func `nothing waits for a hub that is not there`() throws {
        #expect(try find().looks == [])
        #expect(try agent.say(.disconnected).looks == rest)
    }

    @Test func `somebody's save is looked at at once`() throws {
        #expect(try find().looks == [])
        let effects = try agent.say(.hints([.entry(A.path("new"), writing: false)]))
        #expect(effects.looks == [.entry(A.path("new"))])
    }

    @Test func `what became of a missing name is looked for in the rest`() throws {
        #expect(try find().looks == [])
        #expect(try agent.say(.hints([.entry(A.path("f1000"), writing: false)])).looks.count == 1)
        let gone = ScanResult(
            request: .entry(A.path("f1000")), outcome: .entry(directory: A.rootIdentity, nil))
        #expect(try agent.say(.scanned([gone])).looks == rest)
    }
}
