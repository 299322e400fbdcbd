// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// Every path that is not in sync has a reason of a closed list.
@Suite struct ReasonTests {
    private func hindrances(_ agent: AgentConversation) throws -> [Hindrance] {
        try agent.engine.problems(limit: 9).map(\.reason.hindrance)
    }

    /// An agent that has found a file `f`, and was asked to read it.
    private func withFile() throws -> (agent: AgentConversation, request: ReadRequest) {
        let agent = AgentConversation()
        try agent.begin()
        let effects = try agent.showing(["": [A.file("f", 10)]], agent.say(.rescan))
        return (agent, try #require(effects.reads.first))
    }

    private func content(_ request: ReadRequest) -> ReadResult {
        let found = ContentDescription(
            content: ContentID(Bytes32(5, 0, 0, 0)), sizeBytes: 4096, manifest: Manifest([]), inline: nil)
        return ReadResult(
            node: request.node, path: request.path,
            outcome: .content(found, A.fingerprint(10, mode: 0o644), trusted: true))
    }

    @Test func `a folder in sync has none`() throws {
        let agent = AgentConversation()
        try agent.begin()
        #expect(try agent.engine.problems(limit: 9) == [])
    }

    @Test func `while the folder is looked through, the root stands for it`() throws {
        let agent = AgentConversation()
        try agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false), .connected)
        #expect(try agent.engine.problems(limit: 9).map(\.path) == [.root])
        #expect(try hindrances(agent) == [.scanning])
        try agent.say(.scanned([A.listing([])]))
        #expect(try hindrances(agent) == [.receiving])
    }

    @Test func `a file on its way to the hub is read, committed, and waits for the connection`() throws {
        let (agent, request) = try withFile()
        #expect(try hindrances(agent) == [.reading])
        try agent.say(.disconnected)
        try agent.say(.read([content(request)]))
        #expect(try hindrances(agent) == [.offline])
        try agent.say(.connected)
        #expect(try hindrances(agent) == [.receiving])
        let effects = try agent.say(.message(.welcome(A.welcome())), .message(.changes(A.page([]))))
        let batch = try #require(effects.batch)
        #expect(try hindrances(agent) == [.committing])
        try agent.say(.message(.committed(batch.id, answers: [.stale], decidedAt: A.start)))
        #expect(try hindrances(agent) == [.conflict])
    }

    @Test func `what the hub does not take says so`() throws {
        let (agent, request) = try withFile()
        let batch = try #require(try agent.say(.read([content(request)])).batch)
        try agent.say(.message(.committed(batch.id, answers: [.refused("no")], decidedAt: A.start)))
        let problem = try #require(try agent.engine.problems(limit: 9).first)
        #expect(problem.path == A.path("f"))
        #expect(problem.reason == Reason(.refused, "no"))
    }

    @Test(
        arguments: [
            (.permission, .permission), (.noSpace, .space), (.readOnly, .permission), (.inputOutput, .disk),
            (.tooManyOpen, .limit), (.nameTooLong, .limit), (.unsupported, .limit), (.other, .retrying),
            (.hidden, .obstructed), (.obstructed, .obstructed), (.unavailable, .device),
        ] as [(Problem.Cause, Hindrance)])
    func `what fails in the folder has its cause`(cause: Problem.Cause, hindrance: Hindrance) throws {
        let (agent, request) = try withFile()
        let failed = ReadResult(
            node: request.node, path: request.path, outcome: .failed(Problem(cause, "cannot read f: so")))
        try agent.say(.read([failed]))
        #expect(try hindrances(agent) == [hindrance])
        #expect(try agent.engine.problems(limit: 9).first?.reason.text == "cannot read f: so")
    }

    @Test func `a file that is being written is busy, before and after it was tried`() throws {
        let agent = AgentConversation()
        try agent.begin()
        try agent.say(.hints([.entry(A.path("new"), writing: true)]))
        #expect(try agent.engine.problems(limit: 9).map(\.path) == [A.path("new")])
        #expect(try hindrances(agent) == [.busy])
        let (other, request) = try withFile()
        try other.say(.read([ReadResult(node: request.node, path: request.path, outcome: .busy)]))
        #expect(try hindrances(other) == [.busy])
    }

    @Test func `content is transferred, or waits for a device`() throws {
        let agent = AgentConversation()
        try agent.begin()
        let place = Placement(parent: .root, name: Fixture.name("f"))
        let record = NodeRecord(
            node: NodeID(high: 1 << 63, low: 7), revision: Revision(1),
            state: Fixture.state(place, Fixture.file(4096)), device: DeviceID(Bytes32(1, 2, 3, 4)))
        let effects = try agent.say(.message(.changes(A.page([record], through: 1))))
        let request = try #require(effects.stages.first)
        #expect(try hindrances(agent) == [.transferring])
        #expect(try agent.engine.problems(limit: 9).first?.wanted?.sizeBytes == 4096)
        let waiting = StageOutcome.unavailable(waitingFor: ["laptop"])
        try agent.say(.staged(node: request.node, content: request.payload.content, waiting))
        let problem = try #require(try agent.engine.problems(limit: 9).first)
        #expect(problem.reason.hindrance == .device && problem.reason.devices == ["laptop"])
        let report = PathReport(problem, receivedBytes: nil)
        #expect(report.cause == .device && report.devices == ["laptop"] && report.sizeBytes == nil)
    }

    @Test func `who waits for another has the other's cause`() throws {
        let agent = AgentConversation()
        try agent.begin()
        let parent = NodeID(high: 1 << 63, low: 7)
        let device = DeviceID(Bytes32(1, 2, 3, 4))
        let outer = NodeRecord(
            node: parent, revision: Revision(1),
            state: Fixture.state(Placement(parent: .root, name: Fixture.name("d")), Fixture.directory()),
            device: device)
        let inner = NodeRecord(
            node: NodeID(high: 1 << 63, low: 8), revision: Revision(2),
            state: Fixture.state(
                Placement(parent: parent, name: Fixture.name("e")), Fixture.directory(), placed: 2,
                changed: 2), device: device)
        let effects = try agent.say(.message(.changes(A.page([outer, inner], through: 2))))
        let action = try #require(
            effects.lazy.compactMap { effect -> ApplyAction? in
                if case .apply(let actions) = effect { actions.first } else { nil }
            }.first)
        #expect(try hindrances(agent) == [.applying, .applying])
        let failed = ApplyOutcome.failed(Problem(.noSpace, "cannot make d: disk full"))
        try agent.say(.applied([ApplyResult(action: action, outcome: failed)]))
        #expect(try hindrances(agent) == [.space, .space])
        #expect(
            try agent.engine.problems(limit: 9).map(\.reason.text) == [
                "cannot make d: disk full", "waits for d: cannot make d: disk full",
            ])
    }

    @Test func `a vanished name settles, and an emptied folder is held`() throws {
        let agent = AgentConversation()
        try agent.begin()
        let both = [A.directory("d", 10), A.directory("e", 11)]
        let batch = try #require(try agent.showing(["": both], agent.say(.rescan)).batch)
        try agent.say(.message(A.accept(batch, from: 1)), .message(.changes(A.page([], through: 2))))
        #expect(agent.engine.state.isInSync)
        _ = try agent.showing(["": []], agent.say(.rescan))
        #expect(try hindrances(agent) == [.settling])
        try agent.say(.tick, after: 1000)
        #expect(agent.engine.state.haltReason != nil)
        try agent.say(.message(.changes(A.page([], through: 3))))
        for id in try agent.replica.localChildren(of: .root) {
            #expect(try agent.engine.reason(id).hindrance == .held)
        }
    }
}
