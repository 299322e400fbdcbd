// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// Looks into a directory that are held up while it is elsewhere.
@Suite struct DirectoryLookTests {
    @Test func `a directory that went and came back is looked through`() throws {
        let agent = A()
        try agent.begin()
        let hint = AgentInput.hints([.entry(A.path("d"), writing: false)])
        let there: FolderModel = ["": [A.directory("d", 10)]]
        _ = try agent.showing(there, agent.say(hint))
        _ = try agent.showing(["": []], agent.say(hint))
        // A file was saved in it before it went.
        let saved = try agent.say(.hints([.entry(A.path("d/f"), writing: false)]))
        #expect(saved.looks == [])
        let whole = there.merging(["d": [A.file("f", 11)]]) { $1 }
        let effects = try agent.showing(whole, agent.say(hint))
        #expect(effects.reads.map(\.path) == [A.path("d/f")])
    }

    @Test func `a file that could not be read while its directory was gone is read when that is back`() throws
    {
        let agent = A()
        try agent.begin()
        let whole: FolderModel = ["": [A.directory("d", 10)], "d": [A.file("f", 11)]]
        let hint = AgentInput.hints([.entry(A.path("d"), writing: false)])
        let first = try agent.showing(whole, agent.say(hint))
        let read = try #require(first.reads.first)
        _ = try agent.showing([:], agent.say(hint))
        let absent = try agent.say(.read([A.result(read, .absent)]))
        #expect(absent.looks == [])
        let effects = try agent.showing(whole, agent.say(hint))
        #expect(effects.reads.map(\.path) == [A.path("d/f")])
    }

    @Test func `what could not be looked through is so where a step moved it`() throws {
        let agent = A()
        try agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false))
        var effects = try agent.say(.scanned([A.listing([A.directory("d", 10)])]))
        #expect(effects.looks == [.directory(A.path("d"))])
        let failed = ScanOutcome.failed(Problem(.inputOutput, "cannot list d: the disk reports an error"))
        try agent.say(.scanned([ScanResult(request: .directory(A.path("d")), outcome: failed)]))
        // The hub has a link of that name, so the directory gives way.
        let place = Placement(parent: .root, name: Fixture.name("d"))
        let state = Fixture.state(place, .symlink(target: Array("x".utf8)))
        let record = NodeRecord(
            node: NodeID(high: 1 << 63, low: 77), revision: Revision(1), state: state,
            device: DeviceID(Bytes32(1, 2, 3, 4)))
        try agent.say(.connected)
        effects = try agent.say(
            .message(.welcome(A.welcome())), .message(.changes(A.page([record], through: 1))))
        guard case .move(_, let to, _, _)? = effects.steps.first else {
            Issue.record("\(effects)")
            return
        }
        let outcome = ApplyOutcome.done(A.fingerprint(10, mode: 0o755))
        effects = try agent.say(.applied(effects.actions.map { ApplyResult(action: $0, outcome: outcome) }))
        #expect(effects.looks == [.directory(to)])
    }
}
