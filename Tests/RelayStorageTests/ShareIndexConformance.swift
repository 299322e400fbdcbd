// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

/// What every `ShareIndex` does. Each rule is checked on a new index, inside a transaction of its own.
enum ShareIndexRule: String, CaseIterable, Sendable {
    case startsAtZero, keepsLatestRecords, findsChildren, freesNames, feedsInOrder, refusesGaps, refusesTwins
    case keepsTheChain, keepsAnswers, forgetsOldAnswers

    func check(_ index: any ShareIndex) throws {
        switch self {
        case .startsAtZero: try startsAtZero(index)
        case .keepsLatestRecords: try latest(index)
        case .findsChildren: try children(index)
        case .freesNames: try freesNames(index)
        case .feedsInOrder: try feed(index)
        case .refusesGaps: try gaps(index)
        case .refusesTwins: try twins(index)
        case .keepsTheChain: try chain(index)
        case .keepsAnswers: try answers(index)
        case .forgetsOldAnswers: try oldAnswers(index)
        }
    }

    /// Appends the next change of a node.
    @discardableResult
    static func append(
        _ index: any ShareIndex, node: UInt64, _ state: NodeState?, device: UInt64 = 1, origin: NodeID? = nil
    ) throws -> NodeRecord {
        let revision = index.head.revision.next
        let record = NodeRecord(
            node: Sample.node(node), revision: revision, state: state, device: Sample.device(device),
            origin: origin)
        try index.append(record, chain: Sample.chain(revision.number))
        return record
    }

    private func startsAtZero(_ index: any ShareIndex) throws {
        #expect(index.head == Cursor(epoch: index.epoch, revision: .zero, chain: .start))
        #expect(try index.chain(at: .zero) == .start)
        #expect(try index.chain(at: Revision(1)) == nil)
        #expect(try index.record(Sample.node(1)) == nil)
        #expect(try index.records(after: .zero, limit: 10) == [])
        #expect(try index.hasChildren(.root) == false)
    }

    private func latest(_ index: any ShareIndex) throws {
        let first = try Self.append(index, node: 1, try Sample.state("a", Sample.file(1), revision: 1))
        #expect(try index.record(first.node) == first)
        var changed = try #require(first.state)
        changed.payload = .file(
            FilePayload(
                content: Sample.content(.max), sizeBytes: .max, mode: PermissionBits(0),
                modified: Timestamp(seconds: .min, nanoseconds: 0)))
        changed.payloadRevision = Revision(2)
        let second = try Self.append(index, node: 1, changed, device: 2, origin: Sample.node(7))
        #expect(try index.record(first.node) == second)
        #expect(try index.child(changed.placement) == first.node)
        let third = try Self.append(index, node: 1, nil)
        #expect(try index.record(first.node) == third)
        let link = try Self.append(index, node: 2, try Sample.state("l", .symlink(target: []), revision: 4))
        #expect(try index.record(link.node) == link)
        let folder = Payload.directory(mode: PermissionBits(0o755))
        let directory = try Self.append(index, node: 3, try Sample.state("d", folder, revision: 5))
        #expect(try index.record(directory.node) == directory)
    }

    private func children(_ index: any ShareIndex) throws {
        let folder = Payload.directory(mode: PermissionBits(0o755))
        try Self.append(index, node: 1, try Sample.state("d", folder, revision: 1))
        #expect(try index.hasChildren(.root))
        #expect(try index.hasChildren(Sample.node(1)) == false)
        try Self.append(
            index, node: 2, try Sample.state("e\u{301}", in: Sample.node(1), Sample.file(1), revision: 2))
        try Self.append(
            index, node: 3, try Sample.state("é", in: Sample.node(1), Sample.file(1), revision: 3))
        #expect(try index.hasChildren(Sample.node(1)))
        #expect(try index.child(try Sample.placement("é", in: Sample.node(1))) == Sample.node(3))
        #expect(try index.child(try Sample.placement("é")) == nil)
    }

    private func freesNames(_ index: any ShareIndex) throws {
        try Self.append(index, node: 1, try Sample.state("a", Sample.file(1), revision: 1))
        try Self.append(index, node: 1, try Sample.state("b", Sample.file(1), revision: 2))
        #expect(try index.child(try Sample.placement("a")) == nil)
        try Self.append(index, node: 2, try Sample.state("a", Sample.file(1), revision: 3))
        #expect(try index.child(try Sample.placement("a")) == Sample.node(2))
        try Self.append(index, node: 1, nil)
        #expect(try index.child(try Sample.placement("b")) == nil)
        try Self.append(index, node: 3, try Sample.state("b", Sample.file(1), revision: 5))
        #expect(try index.child(try Sample.placement("b")) == Sample.node(3))
    }

    private func feed(_ index: any ShareIndex) throws {
        var records: [NodeRecord] = []
        for number in 1...9 as ClosedRange<UInt64> {
            let state = try Sample.state("n\(number)", Sample.file(number), revision: number)
            records.append(try Self.append(index, node: number, state))
        }
        records.append(try Self.append(index, node: 4, nil))
        records.remove(at: 3)
        #expect(try index.records(after: .zero, limit: 100) == records)
        #expect(try index.records(after: .zero, limit: 2) == Array(records.prefix(2)))
        #expect(try index.records(after: Revision(9), limit: 100) == Array(records.suffix(1)))
        #expect(try index.records(after: Revision(10), limit: 100) == [])
        #expect(try index.records(after: Revision(.max), limit: 100) == [])
    }

    private func gaps(_ index: any ShareIndex) throws {
        let state = try Sample.state("a", Sample.file(1), revision: 1)
        for number in [0, 2, UInt64.max] {
            let record = NodeRecord(
                node: Sample.node(1), revision: Revision(number), state: state, device: Sample.device(1))
            #expect(throws: StateError.self) { try index.append(record, chain: Sample.chain(1)) }
        }
    }

    private func twins(_ index: any ShareIndex) throws {
        try Self.append(index, node: 1, try Sample.state("a", Sample.file(1), revision: 1))
        #expect(throws: StateError.self) {
            try Self.append(index, node: 2, try Sample.state("a", Sample.file(1), revision: 2))
        }
    }

    private func chain(_ index: any ShareIndex) throws {
        for number in 1...3 as ClosedRange<UInt64> {
            try Self.append(
                index, node: number, try Sample.state("n\(number)", Sample.file(1), revision: number))
        }
        #expect(index.head == Cursor(epoch: index.epoch, revision: Revision(3), chain: Sample.chain(3)))
        for number in 1...3 as ClosedRange<UInt64> {
            #expect(try index.chain(at: Revision(number)) == Sample.chain(number))
        }
        #expect(try index.chain(at: Revision(4)) == nil)
        #expect(try index.chain(at: Revision(.max)) == nil)
    }

    private func answers(_ index: any ShareIndex) throws {
        let answers: [OperationAnswer] = [
            .accepted(Revision(.max)), .accepted(Revision(3)), .stale, .nameTaken(by: Sample.node(1)),
            .parentGone,
            .nodeGone, .cycle, .notEmpty, .refused("naïve"), .refused(""),
        ]
        let device = Sample.device(1)
        #expect(try index.answers(device: device, batch: Sample.batch(1)) == nil)
        try index.putAnswers(answers, decidedAt: Revision(9), device: device, batch: Sample.batch(1))
        try index.putAnswers([], decidedAt: Revision(10), device: device, batch: Sample.batch(2))
        let found = try #require(try index.answers(device: device, batch: Sample.batch(1)))
        #expect(found == (answers, Revision(9)))
        #expect(try #require(try index.answers(device: device, batch: Sample.batch(2))) == ([], Revision(10)))
        #expect(try index.answers(device: Sample.device(2), batch: Sample.batch(1)) == nil)
    }

    private func oldAnswers(_ index: any ShareIndex) throws {
        let other = Sample.device(2)
        try index.putAnswers([.stale], decidedAt: .zero, device: other, batch: Sample.batch(0))
        for number in 0..<100 as Range<UInt64> {
            try index.putAnswers(
                [.accepted(Revision(number))], decidedAt: Revision(number), device: Sample.device(1),
                batch: Sample.batch(number))
        }
        for number in 84..<100 as Range<UInt64> {
            #expect(try index.answers(device: Sample.device(1), batch: Sample.batch(number)) != nil)
        }
        #expect(try index.answers(device: Sample.device(1), batch: Sample.batch(0)) == nil)
        #expect(try index.answers(device: other, batch: Sample.batch(0)) != nil)
    }
}
