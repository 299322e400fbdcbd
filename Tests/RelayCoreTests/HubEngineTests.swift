// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias F = Fixture

/// A hub's engine over an index in memory, with two subscribers: a conversation, line by line.
private struct Conversation {
    let index = MemoryShareIndex(epoch: Epoch(high: 7, low: 7))
    let engine: HubEngine<MemoryShareIndex>
    static let laptop = SubscriberID(1)
    static let desk = SubscriberID(2)
    static let laptopDevice = DeviceID(Bytes32(1, 0, 0, 0))
    static let deskDevice = DeviceID(Bytes32(2, 0, 0, 0))

    init() throws {
        engine = HubEngine(index: index, chain: Self.chain, offer: { _ in nil })
        _ = try engine.receive([
            .subscribed(Self.laptop, Self.laptopDevice, Subscription(cursor: nil)),
            .subscribed(Self.desk, Self.deskDevice, Subscription(cursor: nil)),
        ])
    }

    static func chain(_ before: ChainValue, _ record: NodeRecord) -> ChainValue {
        ChainValue(Bytes32(before.raw.first &+ record.revision.number, record.node.raw.low, 0, 0))
    }

    func landmark(_ revision: UInt64) throws -> Landmark {
        let revision = Revision(revision)
        return Landmark(revision: revision, chain: try #require(index.chain(at: revision)))
    }

    static func node(_ number: UInt64) -> NodeID { NodeID(high: 1 << 63, low: number) }

    static func batch(_ number: UInt64, _ operations: Operation...) -> Batch {
        Batch(id: BatchID(high: 0, low: number), operations: operations, offers: [])
    }

    /// The answers to operations that are committed one batch each.
    func answers(_ operations: Operation..., from subscriber: SubscriberID = laptop) throws
        -> [OperationAnswer]
    {
        var result: [OperationAnswer] = []
        for (offset, operation) in operations.enumerated() {
            let number =
                index.head.revision.number * 1000 + UInt64(offset) + UInt64.random(in: 1 << 32..<1 << 60)
            let effects = try engine.receive([.commit(subscriber, Self.batch(number, operation))])
            for case .send(subscriber, .committed(_, let answers, _)) in effects { result += answers }
        }
        return result
    }
}

@Suite struct CommitRulesTests {
    private typealias C = Conversation
    private let conversation: Conversation
    private let directory = C.node(1)
    private let file = C.node(2)
    private let inner = C.node(3)

    /// Revision 1: directory `d`; 2: file `d/f`; 3: directory `d/e`.
    init() throws {
        conversation = try Conversation()
        let answers = try conversation.answers(
            .create(node: directory, placement: place(.root, "d"), payload: F.directory(), origin: nil),
            .create(node: file, placement: place(directory, "f"), payload: F.file(1), origin: nil),
            .create(node: inner, placement: place(directory, "e"), payload: F.directory(), origin: nil))
        #expect(answers == [.accepted(Revision(1)), .accepted(Revision(2)), .accepted(Revision(3))])
    }

    private func place(_ parent: NodeID, _ name: String) -> Placement {
        Placement(parent: parent, name: F.name(name))
    }

    private func answer(_ operation: Operation) throws -> OperationAnswer? {
        try conversation.answers(operation).first
    }

    @Test func `a taken name is told with its owner`() throws {
        #expect(
            try answer(
                .create(node: C.node(9), placement: place(directory, "f"), payload: F.file(2), origin: nil))
                == .nameTaken(by: file))
        #expect(
            try answer(.place(node: inner, placement: place(directory, "f"), basedOn: Revision(3)))
                == .nameTaken(by: file))
    }

    @Test func `a parent must be a live directory`() throws {
        for parent in [C.node(99), file] {
            #expect(
                try answer(
                    .create(node: C.node(9), placement: place(parent, "x"), payload: F.file(2), origin: nil))
                    == .parentGone)
        }
    }

    @Test func `an operation on an old revision is stale`() throws {
        #expect(
            try answer(.change(node: file, payload: F.file(2), basedOn: Revision(2)))
                == .accepted(Revision(4)))
        #expect(try answer(.change(node: file, payload: F.file(3), basedOn: Revision(2))) == .stale)
        #expect(
            try answer(.place(node: file, placement: place(.root, "g"), basedOn: Revision(2)))
                == .accepted(Revision(5)))
        #expect(try answer(.place(node: file, placement: place(.root, "h"), basedOn: Revision(2))) == .stale)
        #expect(
            try answer(.remove(node: file, placementBasedOn: Revision(5), payloadBasedOn: Revision(2)))
                == .stale)
        #expect(
            try answer(.remove(node: file, placementBasedOn: Revision(5), payloadBasedOn: Revision(4)))
                == .accepted(Revision(6)))
    }

    @Test func `what was removed stays removed`() throws {
        _ = try answer(.remove(node: file, placementBasedOn: Revision(2), payloadBasedOn: Revision(2)))
        #expect(try answer(.change(node: file, payload: F.file(2), basedOn: Revision(2))) == .nodeGone)
        #expect(
            try answer(.create(node: file, placement: place(.root, "f"), payload: F.file(1), origin: nil))
                == .nodeGone)
    }

    @Test func `a directory with children is not removed`() throws {
        #expect(
            try answer(.remove(node: directory, placementBasedOn: Revision(1), payloadBasedOn: Revision(1)))
                == .notEmpty)
    }

    @Test func `no directory comes to lie beneath itself`() throws {
        #expect(
            try answer(.place(node: directory, placement: place(inner, "d"), basedOn: Revision(1))) == .cycle)
        #expect(
            try answer(.place(node: directory, placement: place(directory, "d"), basedOn: Revision(1)))
                == .cycle)
    }

    @Test func `the root, our own directory's name and other kinds are refused`() throws {
        for operation: RelayCore.Operation in [
            .remove(node: .root, placementBasedOn: .zero, payloadBasedOn: .zero),
            .create(node: C.node(9), placement: place(.root, ".relay"), payload: F.file(1), origin: nil),
            .change(node: file, payload: F.directory(), basedOn: Revision(2)),
        ] {
            guard case .refused? = try answer(operation) else {
                Issue.record("\(operation) is not refused")
                continue
            }
        }
        #expect(
            try answer(
                .create(node: C.node(9), placement: place(inner, ".relay"), payload: F.file(1), origin: nil))
                == .accepted(Revision(4)))
    }

    @Test func `names may be exchanged within a batch by a passing name`() throws {
        let effects = try conversation.engine.receive([
            .commit(
                C.laptop,
                C.batch(
                    77, .place(node: file, placement: place(.root, "passing"), basedOn: Revision(2)),
                    .place(node: inner, placement: place(directory, "f"), basedOn: Revision(3)),
                    .place(node: file, placement: place(directory, "e"), basedOn: .ofThisBatch)))
        ])
        let answers: [OperationAnswer] = [
            .accepted(Revision(4)), .accepted(Revision(5)), .accepted(Revision(6)),
        ]
        let committed = HubMessage.committed(
            C.batch(77).id, answers: answers, decidedAt: try conversation.landmark(6))
        #expect(effects.contains(.send(C.laptop, committed)))
        #expect(conversation.index.record(file)?.state?.placement == place(directory, "e"))
    }
}

@Suite struct HubEngineTests {
    private typealias C = Conversation
    private static let placement = Placement(parent: .root, name: F.name("f"))
    private static let create = Operation.create(
        node: C.node(1), placement: placement, payload: F.file(5), origin: nil)

    @Test func `others hear of a change, and before its author, who gets only the answer`() throws {
        let conversation = try Conversation()
        let effects = try conversation.engine.receive([.commit(C.laptop, C.batch(1, Self.create))])
        var pages: [SubscriberID: ChangePage] = [:]
        for case .send(let subscriber, .changes(let page)) in effects { pages[subscriber] = page }
        #expect(pages[C.desk]?.records.map(\.node) == [C.node(1)])
        #expect(pages[C.laptop]?.records == [])
        #expect(pages[C.laptop]?.through == conversation.index.head)
        #expect(
            effects.contains(.acquire(ContentID(Bytes32(5, 0, 0, 0)), sizeBytes: 5, from: C.laptopDevice)))
        let committed = effects.firstIndex {
            if case .send(C.laptop, .committed) = $0 { true } else { false }
        }
        let page = effects.firstIndex { if case .send(C.laptop, .changes) = $0 { true } else { false } }
        #expect(committed != nil && page != nil && (committed ?? 0) < (page ?? 0))
        let news = effects.firstIndex { if case .send(C.desk, .changes) = $0 { true } else { false } }
        #expect(news != nil && committed != nil && (news ?? 0) < (committed ?? 0))
    }

    @Test func `S52 a batch that is sent again changes nothing`() throws {
        let conversation = try Conversation()
        let first = try conversation.engine.receive([.commit(C.laptop, C.batch(1, Self.create))])
        let head = conversation.index.head
        let second = try conversation.engine.receive([.commit(C.laptop, C.batch(1, Self.create))])
        #expect(conversation.index.head == head)
        #expect(second.count == 1 && first.contains(second[0]))
    }

    @Test func `a node that two changed in one group is told to both`() throws {
        let conversation = try Conversation()
        _ = try conversation.engine.receive([.commit(C.laptop, C.batch(1, Self.create))])
        let moved = Placement(parent: .root, name: F.name("g"))
        let effects = try conversation.engine.receive([
            .commit(C.desk, C.batch(2, .change(node: C.node(1), payload: F.file(6), basedOn: Revision(1)))),
            .commit(C.laptop, C.batch(3, .place(node: C.node(1), placement: moved, basedOn: Revision(1)))),
        ])
        for case .send(_, .changes(let page)) in effects {
            #expect(page.records.map(\.revision) == [Revision(3)])
            #expect(page.records.first?.state?.payload == F.file(6))
        }
    }

    @Test func `a known cursor goes on, a strange one starts over`() throws {
        let conversation = try Conversation()
        _ = try conversation.engine.receive([.commit(C.laptop, C.batch(1, Self.create))])
        let cursor = conversation.index.head
        var strange = cursor
        strange.chain = .start
        var ahead = cursor
        ahead.revision = Revision(50)
        for (cursor, resumes) in [(cursor, true), (strange, false), (ahead, false)] {
            let effects = try conversation.engine.receive([
                .subscribed(SubscriberID(9), C.deskDevice, Subscription(cursor: cursor))
            ])
            for case .send(SubscriberID(9), .welcome(let welcome)) in effects {
                #expect(welcome.resumes == resumes)
            }
            var records = 0
            for case .send(SubscriberID(9), .changes(let page)) in effects { records += page.records.count }
            #expect(records == (resumes ? 0 : 1))
        }
    }

    @Test func `a batch without an answer is answered to the next connection, or known lost`()
        throws
    {
        let conversation = try Conversation()
        _ = try conversation.engine.receive([.commit(C.laptop, C.batch(1, Self.create))])
        for (number, isKnown) in [(1, true), (2, false)] as [(UInt64, Bool)] {
            let batch = BatchID(high: 0, low: number)
            let effects = try conversation.engine.receive([
                .subscribed(
                    SubscriberID(100 * number), C.laptopDevice,
                    Subscription(cursor: nil, unanswered: batch)),
                .subscribed(
                    SubscriberID(100 * number + 1), C.laptopDevice,
                    Subscription(cursor: conversation.index.head, unanswered: batch)),
            ])
            // Who does not resume was told nothing of what the answer builds on.
            let welcomes = effects.compactMap { effect -> Bool? in
                if case .send(_, .welcome(let welcome)) = effect { welcome.answers } else { nil }
            }
            #expect(welcomes == [false, isKnown])
            let answer = HubEffect.send(
                SubscriberID(100 * number + 1),
                .committed(batch, answers: [.accepted(Revision(1))], decidedAt: try conversation.landmark(1)))
            #expect(effects.contains(answer) == isKnown)
        }
    }

    @Test func `of the connections of one device only the newest counts`() throws {
        let conversation = try Conversation()
        _ = try conversation.engine.receive([
            .subscribed(SubscriberID(9), C.laptopDevice, Subscription(cursor: nil))
        ])
        #expect(try conversation.engine.receive([.commit(C.laptop, C.batch(1, Self.create))]).isEmpty)
        #expect(
            try conversation.engine.receive([
                .subscribed(SubscriberID(8), C.laptopDevice, Subscription(cursor: nil))
            ]).isEmpty)
        #expect(conversation.index.head.revision == .zero)
        #expect(try !conversation.engine.receive([.commit(SubscriberID(9), C.batch(1, Self.create))]).isEmpty)
        #expect(conversation.index.head.revision == Revision(1))
    }

    @Test func `who does not keep up gets no more pages, and all of them later`() throws {
        let conversation = try Conversation()
        var received: [NodeID] = []
        var sizes: [Int] = []
        let content = try #require(F.file(1).content)
        let chunk = EncodedChunk(
            encoding: .raw, sizeBytes: 1 << 19, bytes: [UInt8](repeating: 1, count: 1 << 19))
        for number in 1...10 as ClosedRange<UInt64> {
            let place = Placement(parent: .root, name: F.name("f\(number)"))
            var batch = C.batch(
                number, .create(node: C.node(number), placement: place, payload: F.file(1), origin: nil))
            batch.offers = [ContentOffer(content: content, manifest: nil, inline: chunk)]
            let effects = try conversation.engine.receive([.drained(C.laptop), .commit(C.laptop, batch)])
            for case .send(C.desk, .changes(let page)) in effects {
                received += page.records.map(\.node)
                sizes.append(page.estimatedBytes)
            }
        }
        let limit = HubEngine<MemoryShareIndex>.limitBytesUnderWay
        #expect(sizes.reduce(0, +) >= limit && sizes.dropLast().reduce(0, +) < limit)
        let effects = try conversation.engine.receive([.pinged(C.desk, 5), .drained(C.desk)])
        for case .send(C.desk, .changes(let page)) in effects { received += page.records.map(\.node) }
        #expect(received == (1...10).map { C.node($0) })
        #expect(effects.last == .send(C.desk, .pong(5)))
    }

    @Test func `what came to nothing with its transaction is taken back, and can be decided again`() throws {
        let conversation = try Conversation()
        let (engine, index) = (conversation.engine, conversation.index)
        index.commit()
        let inputs: [HubInput] = [
            .subscribed(SubscriberID(3), DeviceID(Bytes32(3, 0, 0, 0)), Subscription(cursor: nil)),
            .unsubscribed(C.desk),
            .commit(
                C.laptop,
                C.batch(
                    1,
                    .create(
                        node: C.node(1), placement: Placement(parent: .root, name: F.name("d")),
                        payload: F.directory(), origin: nil))),
        ]
        let first = try engine.receive(inputs)
        index.rollBack()
        engine.rollBack()
        // Nobody but those who had subscribed before is told of what is decided next.
        let other = try engine.receive([.pinged(C.desk, 1), .pinged(SubscriberID(3), 2)])
        #expect(other == [.send(C.desk, .pong(1))])
        index.rollBack()
        engine.rollBack()
        #expect(try engine.receive(inputs) == first)
    }
}
