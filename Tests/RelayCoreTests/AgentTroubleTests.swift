// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// What the engine does about places that cannot be looked at, contents that cannot be staged, and files that
/// programs change without a trace.
@Suite struct AgentTroubleTests {
    private let broken = Problem(.inputOutput, "cannot look at d: the disk reports an error")

    /// A folder with these entries in its root, agreed on with the hub.
    private func makeSynced(_ entries: [FoundEntry], reads: ReadOutcome? = nil) throws -> AgentConversation {
        let agent = AgentConversation()
        try agent.begin()
        var effects = try agent.showing(["": entries], agent.say(.rescan))
        if let reads { effects += try agent.say(.read(effects.reads.map { A.result($0, reads) })) }
        let batch = try #require(effects.batch)
        let revision = UInt64(batch.operations.count)
        try agent.say(
            .message(A.accept(batch, from: 1)), .message(.changes(A.page([], through: revision))))
        return agent
    }

    // MARK: Looking

    @Test func `a name that cannot be looked at stays, says why, and holds up nothing beside it`() throws {
        let agent = try makeSynced([A.directory("d", 10), A.link("l", to: "x", 11)])
        #expect(agent.engine.state.isInSync)
        try agent.say(.rescan)
        let other = HiddenEntry(name: Fixture.name("new"), problem: broken)
        let hidden = [HiddenEntry(name: Fixture.name("d"), problem: broken), other]
        let listing = ScanOutcome.directory(A.rootIdentity, [A.link("l", to: "y", 12)], hidden: hidden)
        var effects = try agent.say(.scanned([ScanResult(request: .directory(.root), outcome: listing)]))
        let batch = try #require(effects.batch)
        guard case .change? = batch.operations.first, batch.operations.count == 1 else {
            Issue.record("\(batch.operations)")
            return
        }
        try agent.say(.message(A.accept(batch, from: 3)), .message(.changes(A.page([], through: 3))))
        #expect(!agent.engine.state.isInSync)
        let problems = try agent.engine.problems(limit: 9)
        #expect(problems.map(\.path) == [A.path("d"), A.path("new")])
        #expect(problems.map(\.reason.text) == [broken.description, broken.description])
        // It is looked at again by itself, and goes on when it can be.
        effects = try agent.say(.tick, after: 5000)
        #expect(effects.looks == [.entry(A.path("d")), .entry(A.path("new"))])
        _ = try agent.showing(["": [A.directory("d", 10), A.link("l", to: "y", 12)]], effects)
        #expect(agent.engine.state.isInSync)
        #expect(try agent.engine.problems(limit: 9).isEmpty)
    }

    @Test func `what vanished may have become a name that cannot be looked at`() throws {
        let agent = try makeSynced([A.directory("d", 10)])
        try agent.say(.rescan)
        let hidden = [HiddenEntry(name: Fixture.name("e"), problem: broken)]
        let listing = ScanOutcome.directory(A.rootIdentity, [], hidden: hidden)
        try agent.say(.scanned([ScanResult(request: .directory(.root), outcome: listing)]))
        #expect(try agent.say(.tick, after: 1000).batch == nil)
        let effects = try agent.showing(["": [A.directory("e", 10)]], agent.say(.tick, after: 4000))
        guard case .place(_, let placement, _)? = effects.batch?.operations.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(placement.name == Fixture.name("e"))
    }

    // MARK: Modes

    @Test func `a mode is set on a directory whose other bits have changed`() throws {
        let agent = try makeSynced([A.directory("d", 10)])
        var changed = A.directory("d", 10)
        changed.fingerprint.mode = 0o2755
        _ = try agent.showing(["": [changed]], agent.say(.rescan))
        #expect(agent.engine.state.isInSync)
        let node = try #require(agent.replica.localChildren(of: .root).first)
        var state = try #require(agent.replica.node(node)?.remote?.state)
        state.payload = .directory(mode: PermissionBits(0o700))
        state.payloadRevision = Revision(2)
        let record = NodeRecord(
            node: node, revision: Revision(2), state: state, device: DeviceID(Bytes32(1, 2, 3, 4)))
        let steps = try agent.say(.message(.changes(A.page([record], through: 2)))).steps
        #expect(
            steps == [
                .setMetadata(
                    A.path("d"), expected: changed.fingerprint, mode: PermissionBits(0o700), modified: nil)
            ])
    }

    // MARK: Staging

    @Test(arguments: [Problem.Cause.noSpace, .other])
    func `what cannot be staged is tried again, later each time`(cause: Problem.Cause) throws {
        let agent = AgentConversation()
        try agent.begin()
        let payload = Fixture.file(5, at: 5)
        let content = try #require(payload.content)
        let place = Placement(parent: .root, name: Fixture.name("f"))
        let node = NodeID(high: 1 << 63, low: 77)
        let record = NodeRecord(
            node: node, revision: Revision(1), state: Fixture.state(place, payload),
            device: DeviceID(Bytes32(1, 2, 3, 4)))
        var effects = try agent.say(.message(.changes(A.page([record], through: 1))))
        var waits: [Int64] = []
        for _ in 0..<9 {
            #expect(effects.stages.count == 1)
            let failure = StageOutcome.failed(Problem(cause, "cannot stage 5 bytes: no"))
            effects = try agent.say(.staged(node: node, content: content, failure))
            #expect(try agent.engine.problems(limit: 9).map(\.reason.text) == ["cannot stage 5 bytes: no"])
            let wake = try #require(effects.wake)
            waits.append(wake - agent.now)
            #expect(try agent.say(.tick, after: wake - agent.now - 1).stages.isEmpty)
            effects = try agent.say(.tick)
        }
        #expect(Array(waits.prefix(4)) == [1000, 2000, 4000, 8000])
        #expect(waits.last == (cause == .noSpace ? 60_000 : 8000))
        // Room has appeared.
        try agent.say(.staged(node: node, content: content, .failed(Problem(cause, "no"))))
        #expect(try agent.say(.retryStaging).stages.count == 1)
    }

    @Test func `a staged file that is gone when it is to be placed is staged again`() throws {
        let agent = AgentConversation()
        try agent.begin()
        let payload = Fixture.file(5, at: 5)
        let content = try #require(payload.content)
        let place = Placement(parent: .root, name: Fixture.name("f"))
        let node = NodeID(high: 1 << 63, low: 77)
        let record = NodeRecord(
            node: node, revision: Revision(1), state: Fixture.state(place, payload),
            device: DeviceID(Bytes32(1, 2, 3, 4)))
        try agent.say(.message(.changes(A.page([record], through: 1))))
        let effects = try agent.say(.staged(node: node, content: content, .ready(nil)))
        #expect(effects.actions.count == 1)
        var again = try agent.say(
            .applied(effects.actions.map { ApplyResult(action: $0, outcome: .unstaged) }))
        again += try agent.say(.tick, after: 100)
        #expect(again.stages.map(\.payload.content) == [content])
    }

    // MARK: Reading

    private func content(_ number: UInt64) -> ContentDescription {
        ContentDescription(
            content: ContentID(Bytes32(number, 0, 0, 0)), sizeBytes: 4096, manifest: Manifest([]), inline: nil
        )
    }

    private func reading(_ number: UInt64, trusted: Bool) -> ReadOutcome {
        .content(content(number), A.fingerprint(10, mode: 0o644), trusted: trusted)
    }

    /// Answers every read that is asked for within this time; returns when each was, and all effects.
    private func live(
        _ agent: AgentConversation, _ first: [AgentEffect], forMilliseconds span: Int64,
        _ outcome: (ReadRequest) -> ReadOutcome
    ) throws -> (times: [Int64], effects: [AgentEffect]) {
        let end = agent.now + span
        var (times, all, effects) = ([Int64](), first, first)
        while agent.now < end || !effects.reads.isEmpty {
            if effects.reads.isEmpty {
                let next = agent.engine.announcedWake?.milliseconds ?? end
                effects = try agent.say(.tick, after: max(1, min(next, end) - agent.now))
            } else {
                times.append(agent.now)
                effects = try agent.say(.read(effects.reads.map { A.result($0, outcome($0)) }))
            }
            all += effects
        }
        return (times, all)
    }

    @Test func `a file that may change without a trace is in sync when it stays the same, and is watched`()
        throws
    {
        let agent = try makeSynced([A.file("f", 10)], reads: reading(1, trusted: true))
        #expect(agent.engine.state.isInSync)
        // A program maps it, and writes into it once.
        var touched = A.file("f", 10)
        touched.fingerprint.changed = Timestamp(seconds: 6, nanoseconds: 0)
        let begin = agent.now
        let effects = try agent.showing(["": [touched]], agent.say(.rescan))
        func outcome(_ request: ReadRequest) -> ReadOutcome {
            guard request.isInsisting else { return .busy }
            return .content(content(2), touched.fingerprint, trusted: false)
        }
        let first = try live(agent, effects, forMilliseconds: 10_000, outcome)
        let batch = try #require(first.effects.batch)
        #expect(batch.operations.count == 1)
        let next = try agent.say(
            .message(A.accept(batch, from: 2)), .message(.changes(A.page([], through: 2))))
        let rest = try live(agent, next, forMilliseconds: 120_000, outcome)
        #expect(agent.engine.state.isInSync)
        // It is still read now and then, but not all the time.
        #expect((3...8).contains(rest.times.count), "\(rest.times.map { $0 - begin })")
        #expect(rest.effects.batch == nil)
        #expect(try agent.engine.locate(content(2).content) != nil)
        // Another store: seen at the next reading, told when it stays.
        func later(_ request: ReadRequest) -> ReadOutcome {
            .content(content(3), touched.fingerprint, trusted: false)
        }
        let last = try live(agent, try agent.say(.tick), forMilliseconds: 40_000, later)
        #expect(last.effects.batch?.operations.count == 1)
    }

    @Test func `a file that changes at every reading is told now and then`() throws {
        let agent = try makeSynced([A.file("f", 10)], reads: reading(1, trusted: true))
        var touched = A.file("f", 10)
        touched.fingerprint.changed = Timestamp(seconds: 6, nanoseconds: 0)
        let effects = try agent.showing(["": [touched]], agent.say(.rescan))
        var number: UInt64 = 10
        var revision: UInt64 = 1
        var told = 0
        var pending = effects
        for _ in 0..<20 {
            let next = try live(agent, pending, forMilliseconds: 1000) { request in
                guard request.isInsisting else { return .busy }
                number += 1
                return .content(content(number), touched.fingerprint, trusted: false)
            }
            pending = []
            guard let batch = next.effects.batch else {
                pending = try agent.say(.tick)
                continue
            }
            told += 1
            revision += 1
            pending = try agent.say(
                .message(A.accept(batch, from: revision)),
                .message(.changes(A.page([], through: revision))))
        }
        #expect((3...5).contains(told))
    }

    @Test func `large files keep no small one from being read`() throws {
        let agent = AgentConversation()
        try agent.begin()
        var large = (0..<100).map { A.file("large\($0)", 100 + UInt64($0)) }
        for index in large.indices { large[index].fingerprint.sizeBytes = 1 << 30 }
        let effects = try agent.showing(["": large], agent.say(.rescan))
        #expect(effects.reads.count == EngineLimits.largeReads)
        let areLarge = effects.reads.allSatisfy(\.isLarge)
        #expect(areLarge)
        let small = try agent.showing(["": large + [A.file("small", 7)]], agent.say(.rescan))
        #expect(small.reads.map(\.path) == [A.path("small")])
        #expect(!small.reads[0].isLarge)
        // As one is read, the next begins; all are in the end.
        var asked = effects.reads
        var all = Set(asked.map(\.path))
        while let request = asked.first {
            asked.removeFirst()
            let more = try agent.say(.read([A.result(request, .failed(broken))])).reads
            #expect(more.count <= 1)
            for next in more where all.insert(next.path).inserted { asked.append(next) }
        }
        #expect(all.count == 100)
    }
}

extension [AgentEffect] {
    /// When the engine wants to be told the time.
    fileprivate var wake: Int64? {
        var last: Int64?
        for case .wake(let instant) in self { last = instant.milliseconds }
        return last
    }
}
