// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// While a batch is on its way, contents go ahead of the next ones.
@Suite struct AnnouncingTests {
    private static func offer(_ number: UInt64) -> ContentOffer {
        let chunk = ChunkReference(id: ChunkID(Bytes32(1, 2, 3, number)), sizeBytes: 10)
        return ContentOffer(
            content: ContentID(Bytes32(9, 9, 9, number)), manifest: Manifest([chunk]),
            inline: EncodedChunk(encoding: .raw, sizeBytes: 10, bytes: [UInt8](repeating: 1, count: 10)))
    }

    /// The folder holds so many files, the first is proposed, and the others are being read.
    private func begin(_ files: UInt64, keepsOffers: Bool = true) throws -> (
        agent: AgentConversation, reads: [ReadRequest], batch: Batch
    ) {
        let agent = A()
        try agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false))
        let listing = A.listing((1...files).map { A.file("f\($0)", 100 + $0) })
        var reads = try agent.say(.scanned([listing])).reads
        var welcome = A.welcome()
        welcome.keepsOffers = keepsOffers
        try agent.say(.connected)
        reads += try agent.say(.message(.welcome(welcome)), .message(.changes(A.page([])))).reads
        let effects = try read(1, reads, agent)
        return (agent, reads, try #require(effects.batch))
    }

    private func read(
        _ number: UInt64, _ reads: [ReadRequest], _ agent: AgentConversation
    ) throws -> [AgentEffect] {
        let request = try #require(reads.first { $0.path == A.path("f\(number)") })
        let offer = Self.offer(number)
        let description = ContentDescription(
            content: offer.content, sizeBytes: 10, manifest: try #require(offer.manifest),
            inline: offer.inline)
        let outcome = ReadOutcome.content(
            description, A.file("f\(number)", 100 + number).fingerprint, trusted: true)
        return try agent.say(.read([ReadResult(node: request.node, path: request.path, outcome: outcome)]))
    }

    private func accept(_ batch: Batch, from first: UInt64, _ agent: AgentConversation) throws
        -> [AgentEffect]
    {
        let last = first + UInt64(batch.operations.count) - 1
        return try agent.say(
            .message(A.accept(batch, from: first)), .message(.changes(A.page([], through: last))))
    }

    @Test func `what is read while a batch is on its way goes ahead, and is named without its bytes`() throws
    {
        let (agent, reads, first) = try begin(5)
        #expect(first.offers == [Self.offer(1)])
        // Few that wait are told as ever.
        #expect(try read(2, reads, agent).offered == [] && read(3, reads, agent).offered == [])
        #expect(try read(4, reads, agent).offered == [[Self.offer(4)]])
        #expect(try read(5, reads, agent).offered == [[Self.offer(5)]])
        let effects = try accept(first, from: 1, agent)
        let second = try #require(effects.batch)
        #expect(second.operations.count == 4)
        for number in 2...5 as ClosedRange<UInt64> {
            var expected = Self.offer(number)
            if number > 3 { expected.inline = nil }
            #expect(second.offers.contains(expected), "\(number)")
        }
        // All were used: there is nothing to forget.
        #expect(try accept(second, from: 2, agent).offered == [])
    }

    @Test func `a hub that keeps nothing is given nothing ahead`() throws {
        let (agent, reads, first) = try begin(4, keepsOffers: false)
        for number in 2...4 as ClosedRange<UInt64> { #expect(try read(number, reads, agent).offered == []) }
        let second = try #require(try accept(first, from: 1, agent).batch)
        #expect(second.offers.count == 3 && second.offers.allSatisfy { $0.inline != nil })
    }

    @Test func `over another connection everything is told anew`() throws {
        let (agent, reads, first) = try begin(4)
        for number in 2...4 as ClosedRange<UInt64> { _ = try read(number, reads, agent) }
        try agent.say(.disconnected)
        try agent.say(.connected)
        var welcome = A.welcome()
        welcome.keepsOffers = true
        let effects = try agent.say(.message(.welcome(welcome)), .message(.changes(A.page([]))))
        let batch = try #require(effects.batch)
        #expect(batch.operations.count == 4 && batch.id != first.id)
        #expect(batch.offers.allSatisfy { $0.inline != nil })
    }

    @Test func `what turns out not to be needed is taken back`() throws {
        let (agent, reads, first) = try begin(4)
        for number in 2...4 as ClosedRange<UInt64> { _ = try read(number, reads, agent) }
        // It goes before its batch could be sent.
        try agent.say(.hints([.entry(A.path("f4"), writing: false)]))
        try agent.say(
            .scanned([
                ScanResult(request: .entry(A.path("f4")), outcome: .entry(directory: A.rootIdentity, nil))
            ]))
        var effects = try agent.say(.tick, after: 5000)
        effects += try accept(first, from: 1, agent)
        let second = try #require(effects.batch)
        #expect(second.operations.count == 2)
        let last = try accept(second, from: 2, agent)
        #expect(last.offered == [[]])
    }

    @Test func `no more goes ahead than the hub keeps`() {
        var announcements = Announcements()
        announcements.isOffered = true
        let large = [UInt8](repeating: 1, count: 60_000)
        var count: UInt64 = 0
        for number in 0..<500 as Range<UInt64> {
            var offer = Self.offer(number)
            offer.inline?.bytes = large
            announcements.add(offer)
            if announcements.contains(offer.content) { count += 1 }
        }
        #expect(count * 60_000 <= UInt64(ContentOffer.limitAheadBytes) && count > 90)
        let messages = announcements.takeMessages()
        #expect(messages.count > 5 && announcements.takeMessages() == [])
        for case .offer(let offers) in messages {
            #expect(offers.reduce(0) { $0 + $1.estimatedBytes } <= ContentOffer.limitOfferedBytes)
        }
        announcements.use((0..<500 as Range<UInt64>).map(Self.offer))
        #expect(announcements.isEmpty)
    }
}

extension [AgentEffect] {
    /// The contents that went ahead, message by message.
    fileprivate var offered: [[ContentOffer]] {
        compactMap { effect in if case .send(.offer(let offers)) = effect { offers } else { nil } }
    }
}
