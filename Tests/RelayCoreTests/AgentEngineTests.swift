// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

@Suite struct AgentEngineTests {
    /// A folder with the directories `d` (inode 10) and `e` (inode 11), agreed on as revisions 1 and 2.
    private func makeSynced() throws -> AgentConversation {
        let agent = AgentConversation()
        try agent.begin()
        try agent.say(.rescan)
        let effects = try agent.say(.scanned([A.listing([A.directory("d", 10), A.directory("e", 11)])]))
        let batch = try #require(effects.batch)
        #expect(batch.operations.count == 2)
        try agent.say(
            .message(A.accept(batch, from: 1)), .message(.changes(A.page([], through: 2))),
            .scanned([A.listing([], in: "d", A.identity(10)), A.listing([], in: "e", A.identity(11))]))
        #expect(agent.engine.state.isInSync)
        return agent
    }

    @Test func `a new engine asks what became of the batch of the one before`() throws {
        let agent = AgentConversation()
        try agent.begin()
        try agent.say(.rescan)
        let sent = try agent.say(.scanned([A.listing([A.link("l", to: "x", 10)])]))
        let batch = try #require(sent.batch)
        agent.restart()
        try agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false))
        let effects = try agent.say(.connected)
        #expect(effects.subscription?.unanswered == batch.id)
        // Meanwhile the user changed the link: that comes after what was sent, and is no conflict with it.
        let early = try agent.say(
            .scanned([A.listing([A.link("l", to: "y", 11)])]),
            .message(.welcome(A.welcome(answers: true))))
        #expect(early.batch == nil)
        let late = try agent.say(
            .message(A.accept(batch, from: 1)), .message(.changes(A.page([], through: 1))))
        let node = try #require(batch.operations.first?.node)
        #expect(
            late.batch?.operations == [
                .change(node: node, payload: .symlink(target: Array("y".utf8)), basedOn: Revision(1))
            ])
    }

    @Test func `a batch that the hub never saw is made anew`() throws {
        let agent = AgentConversation()
        try agent.begin()
        try agent.say(.rescan)
        let sent = try agent.say(.scanned([A.listing([A.link("l", to: "x", 10)])]))
        let batch = try #require(sent.batch)
        try agent.say(.disconnected)
        #expect(try agent.say(.connected).subscription?.unanswered == batch.id)
        let effects = try agent.say(.message(.welcome(A.welcome())), .message(.changes(A.page([]))))
        #expect(effects.batch?.operations == batch.operations)
        #expect(effects.batch?.id != batch.id)
    }

    /// A folder with so many links, all of them on the hub.
    private func folder(of count: Int) throws -> (AgentConversation, [FoundEntry]) {
        let agent = AgentConversation()
        try agent.begin()
        let links = (0..<count).map { A.link("l\($0)", to: "x", UInt64(10 + $0)) }
        try agent.say(.rescan)
        let batch = try #require(try agent.say(.scanned([A.listing(links)])).batch)
        try agent.say(
            .message(A.accept(batch, from: 1)), .message(.changes(A.page([], through: UInt64(count)))))
        try agent.say(.tick, after: 61_000)
        return (agent, links)
    }

    @Test func `S32 removals that follow each other are judged together`() throws {
        let (agent, links) = try folder(of: 40)
        var effects: [AgentEffect] = []
        for left in [28, 16, 4] {
            effects += try agent.say(.rescan, after: 300)
            effects += try agent.say(.scanned([A.listing(Array(links.prefix(left)))]))
            effects += try agent.say(.tick, after: 150)
        }
        effects += try agent.say(.tick, after: 2000)
        #expect(effects.batch == nil)
        #expect(effects.contains(.halted(Hold.removals.text)))
        #expect(agent.replica.hold == .removals)
        // Over a restart too, until all is back.
        agent.restart()
        try agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false))
        effects = try agent.say(.scanned([A.listing(Array(links.prefix(39)))]))
        effects += try agent.say(.tick, after: 2000)
        #expect(agent.replica.hold == .removals)
        try agent.say(.rescan)
        #expect(try agent.say(.scanned([A.listing(links)])).contains(.resumed))
        #expect(agent.replica.hold == nil)
    }

    @Test func `S32 nothing of a slow removal of most of a folder is told before it is held`() throws {
        let (agent, links) = try folder(of: 40)
        var effects: [AgentEffect] = []
        for left in (4..<40).reversed() {
            effects += try agent.say(.rescan, after: 70)
            effects += try agent.say(.scanned([A.listing(Array(links.prefix(left)))]))
        }
        effects += try agent.say(.tick, after: 2000)
        #expect(effects.batch == nil)
        #expect(effects.contains(.halted(Hold.removals.text)))
    }

    @Test func `removals that go on and on are told a second after the first`() throws {
        let (agent, links) = try folder(of: 400)
        var told: [Int64] = []
        for left in (376..<400).reversed() {
            var effects = try agent.say(.rescan, after: 70)
            effects += try agent.say(.scanned([A.listing(Array(links.prefix(left)))]))
            effects += try agent.say(.tick)
            if let batch = effects.batch {
                told.append(agent.now)
                try agent.say(.message(A.accept(batch, from: UInt64(1000 + left))))
            }
        }
        #expect(told.count == 1)
    }

    @Test func `a small part of a folder is removed at once`() throws {
        let (agent, links) = try folder(of: 40)
        try agent.say(.rescan)
        try agent.say(.scanned([A.listing(Array(links.prefix(31)))]))
        let effects = try agent.say(.tick, after: 101)
        #expect(effects.batch?.operations.count == 9)
    }

    @Test func `a greeting takes back nothing that was sent after what it answers`() throws {
        let agent = AgentConversation()
        try agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false))
        try agent.say(.scanned([A.listing([])]))
        // A connection that came and went before the engine could begin it.
        try agent.say(.connected, .disconnected, .connected)
        try agent.say(.message(.welcome(A.welcome())), .message(.changes(A.page([]))))
        let sent = try agent.showing(["": [A.link("l", to: "x", 10)]], agent.say(.rescan))
        let batch = try #require(sent.batch)
        let again = try agent.say(.message(.welcome(A.welcome())), .message(.changes(A.page([]))))
        #expect(again.batch == nil)
        try agent.say(.message(A.accept(batch, from: 1)), .message(.changes(A.page([], through: 1))))
        #expect(agent.engine.state.isInSync)
    }

    @Test func `what the hub had once is no reason to remove what a user makes later`() throws {
        let agent = AgentConversation()
        try agent.begin()
        let node = NodeID(high: 1 << 63, low: 77)
        let place = Placement(parent: .root, name: Fixture.name("d"))
        let device = DeviceID(Bytes32(1, 2, 3, 4))
        let made = NodeRecord(
            node: node, revision: Revision(1), state: Fixture.state(place, Fixture.directory()),
            device: device)
        let removed = NodeRecord(node: node, revision: Revision(2), state: nil, device: device)
        let steps = try agent.say(.message(.changes(A.page([made], through: 1)))).steps
        #expect(steps == [.makeDirectory(A.path("d"), mode: PermissionBits(0o755))])
        try agent.say(.message(.changes(A.page([removed], through: 2))))
        // The agent is killed before the step takes effect, and finds nothing when it starts again.
        agent.restart()
        _ = try agent.showing(["": []], agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false)))
        try agent.say(.connected)
        try agent.say(.message(.welcome(A.welcome())), .message(.changes(A.page([], through: 2))))
        let later = try agent.showing(["": [A.directory("d", 10)]], agent.say(.rescan))
        #expect(later.steps == [])
        #expect(later.batch?.operations.count == 1)
    }

    @Test(arguments: [true, false])
    func `what the folder has already is not fetched when it joins`(isEqual: Bool) throws {
        let agent = AgentConversation()
        let payload = Fixture.file(4096, at: 5)
        let content = try #require(payload.content)
        let place = Placement(parent: .root, name: Fixture.name("f"))
        let record = NodeRecord(
            node: NodeID(high: 1 << 63, low: 77), revision: Revision(1),
            state: Fixture.state(place, payload), device: DeviceID(Bytes32(1, 2, 3, 4)))
        var effects = try agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false), .connected)
        effects += try agent.say(
            .message(.welcome(A.welcome())), .message(.changes(A.page([record], through: 1))))
        effects += try agent.say(.scanned([A.listing([A.file("f", 10)])]))
        let reads = effects.reads
        #expect(reads.map(\.path) == [A.path("f")])
        #expect(effects.stages == [])
        let found = ContentDescription(
            content: isEqual ? content : ContentID(Bytes32(9, 9, 9, 9)), sizeBytes: 4096,
            manifest: Manifest([]), inline: nil)
        let fingerprint = A.fingerprint(10, mode: 0o644)
        let results = reads.map {
            ReadResult(node: $0.node, path: $0.path, outcome: .content(found, fingerprint, trusted: true))
        }
        let late = try agent.say(.read(results))
        #expect(late.stages.map(\.payload.content) == (isEqual ? [] : [content]))
        #expect(late.batch == nil)
        guard isEqual else { return }
        // Only the time differs.
        #expect(
            late.steps == [
                .setMetadata(
                    A.path("f"), expected: fingerprint, mode: PermissionBits(0o644),
                    modified: Timestamp(seconds: 5, nanoseconds: 5))
            ])
    }

    @Test func `a directory whose former place cannot be looked at moved all the same`() throws {
        let agent = AgentConversation()
        try agent.begin()
        try agent.say(.rescan)
        let batch = try #require(try agent.say(.scanned([A.listing([A.directory("d", 20)])])).batch)
        try agent.say(.message(A.accept(batch, from: 1)), .message(.changes(A.page([], through: 1))))
        try agent.say(.scanned([A.listing([], in: "d", A.identity(20))]))
        try agent.say(.rescan)
        var effects = try agent.say(.scanned([A.listing([A.directory("e", 20)], hidden: ["d"])]))
        #expect(effects.looks.contains(.entry(A.path("d"))))
        let failed = ScanOutcome.failed(Problem(.inputOutput, "the disk reports an error"))
        let found = ScanOutcome.entry(directory: A.rootIdentity, A.directory("e", 20))
        for _ in 0..<5 where effects.batch == nil && !effects.looks.isEmpty {
            effects = try agent.say(
                .scanned(
                    effects.looks.map {
                        ScanResult(request: $0, outcome: $0 == .entry(A.path("e")) ? found : failed)
                    }))
        }
        let operations = try #require(effects.batch).operations
        guard operations.count == 1, case .place(_, let placement, _) = operations[0] else {
            Issue.record("\(operations)")
            return
        }
        #expect(placement.name == Fixture.name("e"))
    }

    @Test func `a folder whose root cannot be looked at was not looked through`() throws {
        let agent = AgentConversation()
        try agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false))
        let failed = ScanOutcome.failed(Problem(.inputOutput, "cannot look at .: the disk reports an error"))
        try agent.say(.scanned([ScanResult(request: .directory(.root), outcome: failed)]))
        try agent.say(.connected)
        try agent.say(.message(.welcome(A.welcome())), .message(.changes(A.page([]))))
        #expect(!agent.engine.state.isInSync)
        #expect(try agent.engine.problems(limit: 9).map(\.path) == [.root])
        _ = try agent.showing(["": []], agent.say(.tick, after: 5000))
        #expect(agent.engine.state.isInSync)
    }

    /// One who moves a file elsewhere takes its name away first.
    @Test(arguments: [(true, 20, true), (false, 20, false), (false, 120, true)])
    func `a name that was deleted is waited for less long than one that may have been moved`(
        isDeleted: Bool, after milliseconds: Int64, isTold: Bool
    ) throws {
        let agent = try makeSynced()
        let hint = isDeleted ? Hint.deleted(A.path("e")) : .entry(A.path("e"), writing: false)
        #expect(try agent.say(.hints([hint])).looks == [.entry(A.path("e"))])
        let nothing = ScanOutcome.entry(directory: A.rootIdentity, nil)
        var effects = try agent.say(.scanned([ScanResult(request: .entry(A.path("e")), outcome: nothing)]))
        #expect(effects.batch == nil)
        effects = try agent.say(.tick, after: milliseconds)
        if isDeleted {
            #expect(effects.looks == [.entry(A.path("d"))])
            let found = ScanOutcome.entry(directory: A.rootIdentity, A.directory("d", 10))
            effects = try agent.say(.scanned([ScanResult(request: .entry(A.path("d")), outcome: found)]))
        }
        #expect((effects.batch != nil) == isTold)
    }

    /// Who removes many is found out before the first of them is told.
    @Test(arguments: [true, false])
    func `a name that was deleted together with another is waited for as long as any`(isHinted: Bool) throws {
        let agent = try makeSynced()
        func isGone(_ name: String) -> ScanResult {
            ScanResult(
                request: .entry(A.path(name)), outcome: .entry(directory: A.rootIdentity, nil))
        }
        try agent.say(.hints([.deleted(A.path("e"))]))
        try agent.say(.scanned([isGone("e")]))
        if isHinted {
            #expect(try agent.say(.hints([.deleted(A.path("d"))]), after: 5).looks == [.entry(A.path("d"))])
        } else {
            #expect(try agent.say(.tick, after: 20).looks == [.entry(A.path("d"))])
        }
        try agent.say(.scanned([isGone("d")]))
        let early = try agent.say(.tick, after: 80)
        #expect(early.batch == nil && early.looks.isEmpty)
        #expect(agent.engine.state.haltReason == nil)
        // All that was there: that is held.
        try agent.say(.tick, after: 50)
        #expect(agent.engine.state.haltReason != nil)
    }

    @Test func `what a mount hides was not removed`() throws {
        let agent = try makeSynced()
        try agent.say(.rescan)
        var effects = try agent.say(.scanned([A.listing([A.directory("e", 11)], hidden: ["d"])]))
        #expect(effects.looks == [.directory(A.path("e"))])
        effects = try agent.say(.scanned([A.listing([], in: "e", A.identity(11))]))
        effects += try agent.say(.tick, after: 1000)
        #expect(effects.batch == nil)
        #expect(!agent.engine.state.isInSync)
        #expect(try agent.engine.problems(limit: 9).map(\.path) == [A.path("d")])
        // It is looked for again, until the mount is gone.
        effects = try agent.say(.tick, after: 5000)
        #expect(effects.looks == [.entry(A.path("d"))])
        let found = ScanOutcome.entry(directory: A.rootIdentity, A.directory("d", 10))
        try agent.say(.scanned([ScanResult(request: .entry(A.path("d")), outcome: found)]))
        try agent.say(.scanned([A.listing([], in: "d", A.identity(10))]))
        #expect(agent.engine.state.isInSync)
    }

    @Test func `a mount where nothing was shared is nobody's concern`() throws {
        let agent = try makeSynced()
        try agent.say(.rescan)
        try agent.say(.scanned([A.listing([A.directory("d", 10), A.directory("e", 11)], hidden: ["m"])]))
        try agent.say(
            .scanned([A.listing([], in: "d", A.identity(10)), A.listing([], in: "e", A.identity(11))]))
        #expect(agent.engine.state.isInSync)
    }

    @Test func `what vanished may be where the engine cannot look, for a while`() throws {
        let agent = try makeSynced()
        try agent.say(.hints([.entry(A.path("d"), writing: false), .entry(A.path("e/x"), writing: false)]))
        let absent = ScanOutcome.entry(directory: A.rootIdentity, nil)
        let failed = ScanOutcome.failed(Problem(.tooManyOpen, "cannot look at e/x: too many open files"))
        var effects = try agent.say(
            .scanned([
                ScanResult(request: .entry(A.path("d")), outcome: absent),
                ScanResult(request: .entry(A.path("e/x")), outcome: failed),
            ]))
        for _ in 0..<2 { effects += try agent.say(.tick, after: 2000) }
        #expect(effects.batch == nil)
        let again = try agent.say(.tick, after: 2000)
        #expect(again.looks == [.entry(A.path("e/x"))])
        let moved = ScanOutcome.entry(directory: A.identity(11), A.directory("x", 10))
        effects = try agent.say(.scanned([ScanResult(request: .entry(A.path("e/x")), outcome: moved)]))
        guard case .place(_, let placement, Revision(1))? = effects.batch?.operations.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(placement.name == Fixture.name("x"))
    }

    @Test func `a place that can never be looked at holds up no removal for good`() throws {
        let agent = try makeSynced()
        try agent.say(.hints([.entry(A.path("d"), writing: false), .entry(A.path("e/x"), writing: false)]))
        let absent = ScanOutcome.entry(directory: A.rootIdentity, nil)
        let failed = ScanOutcome.failed(Problem(.permission, "cannot look at e/x: permission denied"))
        var effects = try agent.say(
            .scanned([
                ScanResult(request: .entry(A.path("d")), outcome: absent),
                ScanResult(request: .entry(A.path("e/x")), outcome: failed),
            ]))
        for _ in 0..<4 where effects.batch == nil {
            effects = try agent.say(.tick, after: 5000)
            guard !effects.looks.isEmpty else { continue }
            effects = try agent.say(
                .scanned([ScanResult(request: .entry(A.path("e/x")), outcome: failed)]))
        }
        guard case .remove? = effects.batch?.operations.first else {
            Issue.record("\(effects)")
            return
        }
    }

    @Test func `directories that change places as parent and child leave each other in order`() throws {
        let agent = try makeSynced()
        let before = ["": [A.directory("d", 10), A.directory("e", 11)], "d": [A.directory("c", 12)]]
        let made = try agent.showing(before, agent.say(.rescan))
        try agent.say(
            .message(A.accept(try #require(made.batch), from: 3)),
            .message(.changes(A.page([], through: 3))))
        #expect(agent.engine.state.isInSync)
        // c moves into e, then d into c, and a new directory takes d's name.
        let after = [
            "": [A.directory("d", 20), A.directory("e", 11)], "e": [A.directory("c", 12)],
            "e/c": [A.directory("d", 10)],
        ]
        try agent.say(.disconnected)
        _ = try agent.showing(after, agent.say(.rescan))
        try agent.say(.tick, after: 200)
        try agent.say(.connected)
        let effects = try agent.say(
            .message(.welcome(A.welcome())), .message(.changes(A.page([], through: 3))))
        let kinds = try #require(effects.batch).operations.map { operation in
            switch operation {
            case .place(_, let placement, _): "place \(placement.name)"
            case .create(_, let placement, _, _): "create \(placement.name)"
            case .change: "change"
            case .remove: "remove"
            }
        }
        #expect(kinds == ["place c", "place d", "create d"])
    }

    @Test func `a directory found beneath what was beneath it is in no circle with it`() throws {
        let agent = try makeSynced()
        let before = ["": [A.directory("d", 10), A.directory("e", 11)], "d": [A.directory("c", 12)]]
        let made = try agent.showing(before, agent.say(.rescan))
        try agent.say(
            .message(A.accept(try #require(made.batch), from: 3)),
            .message(.changes(A.page([], through: 3))))
        // c moves to the root and d into c while the engine looks: it sees where d is before where c is.
        try agent.say(
            .hints([.entry(A.path("d"), writing: false), .entry(A.path("d/c/d"), writing: false)]))
        var effects = try agent.say(
            .scanned([
                ScanResult(
                    request: .entry(A.path("d")), outcome: .entry(directory: A.rootIdentity, nil)),
                ScanResult(
                    request: .entry(A.path("d/c/d")),
                    outcome: .entry(directory: A.identity(12), A.directory("d", 10))),
            ]))
        effects += try agent.say(.hints([.entry(A.path("c"), writing: false)]))
        let after = [
            "": [A.directory("c", 12), A.directory("e", 11)], "c": [A.directory("d", 10)],
        ]
        effects = try agent.showing(after, effects)
        effects += try agent.say(.tick, after: 200)
        let places = try #require(effects.batch).operations.compactMap { operation in
            if case .place(_, let placement, _) = operation { "\(placement.name)" } else { nil }
        }
        #expect(places == ["c", "d"])
    }
}
