// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// What the engine makes of rules for what is left out of the share.
@Suite struct IgnoringTests {
    private static let rulesInode: UInt64 = 90

    private static let device = DeviceID(Bytes32(1, 2, 3, 4))

    private static func rules(_ text: String) -> RulesReading {
        .content(Array(text.utf8), A.fingerprint(rulesInode, mode: 0o644), trusted: true)
    }

    private static var file: FoundEntry { A.file(".relayignore", rulesInode) }

    /// A folder with the links `a`, `b` and `c` and the directory `d` (inode 20), all of them on the hub as
    /// revisions 1 to 4.
    private func makeSynced() throws -> (agent: AgentConversation, entries: [FoundEntry]) {
        let agent = AgentConversation()
        try agent.begin()
        let links = ["a", "b", "c"].enumerated().map { A.link($1, to: "x", UInt64(10 + $0)) }
        let entries = links + [A.directory("d", 20)]
        let effects = try agent.showing(["": entries, "d": []], agent.say(.rescan))
        let batch = try #require(effects.batch)
        #expect(batch.operations.count == 4)
        try agent.say(.message(A.accept(batch, from: 1)), .message(.changes(A.page([], through: 4))))
        #expect(agent.engine.state.isInSync)
        return (agent, entries)
    }

    private func node(_ agent: AgentConversation, _ name: String) throws -> NodeID {
        try #require(agent.replica.remoteChild(Placement(parent: .root, name: Fixture.name(name))))
    }

    /// Lets the engine find rules beside the entries.
    private func write(
        _ text: String, _ agent: AgentConversation, _ model: FolderModel
    ) throws -> [AgentEffect] {
        agent.rules = Self.rules(text)
        var model = model
        model["", default: []].append(Self.file)
        return try agent.showing(model, agent.say(.rescan))
    }

    @Test func `what a new rule leaves out is forgotten, and not told as removed`() throws {
        let (agent, entries) = try makeSynced()
        let effects = try write("b\n", agent, ["": entries, "d": []])
        let b = try node(agent, "b")
        #expect(effects.batch == nil)
        #expect(agent.engine.isIgnored(b))
        #expect(agent.replica.node(b)?.local == nil && agent.replica.node(b)?.base == nil)
        #expect(agent.replica.node(b)?.remote?.state != nil)
        // Nor is its absence, once it is really gone.
        let later = try agent.showing(
            ["": [entries[0], entries[2], entries[3], Self.file], "d": []], agent.say(.rescan))
        #expect(try (later + agent.say(.tick, after: 5000)).batch == nil)
    }

    @Test func `what a rule leaves out is not observed, whatever happens to it`() throws {
        let (agent, entries) = try makeSynced()
        let ignored = [A.directory("build", 50), A.link("x.o", to: "y", 51), Self.file]
        agent.rules = Self.rules("build/\n*.o\n")
        let effects = try agent.showing(["": entries + ignored, "d": []], agent.say(.rescan))
        #expect(!effects.looks.contains(.directory(A.path("build"))))
        #expect(effects.batch == nil)
        #expect(try agent.replica.localChildren(of: .root).count == 5)
        #expect(try agent.say(.hints([.entry(A.path("build/x"), writing: true)])).looks == [])
        #expect(try agent.say(.hints([.entry(A.path("x.o"), writing: true)])).looks == [])
        #expect(try agent.say(.hints([.subtree(A.path("build/y"))])).looks == [])
        #expect(
            try agent.say(.hints([.entry(A.path("build"), writing: false)])).looks == [
                .entry(A.path("build"))
            ])
    }

    @Test func `a removal that waited for another one is told when rules leave that one out`() throws {
        let (agent, entries) = try makeSynced()
        let inner = [A.link("e", to: "x", 21)]
        let made = try #require(try agent.showing(["": entries, "d": inner], agent.say(.rescan)).batch)
        try agent.say(.message(A.accept(made, from: 5)), .message(.changes(A.page([], through: 5))))
        let a = try node(agent, "a")
        for (name, identity, delay) in [("a", A.rootIdentity, 1), ("d/e", A.identity(20), 50)] {
            try agent.say(.hints([.entry(A.path(name), writing: false)]), after: Int64(delay))
            let gone = ScanOutcome.entry(directory: identity, nil)
            try agent.say(.scanned([ScanResult(request: .entry(A.path(name)), outcome: gone)]), after: 0)
        }
        // The first is due and waits for the second, which new rules then take away.
        try agent.say(.tick, after: 55)
        let effects = try write("d/\n", agent, ["": Array(entries.dropFirst()), "d": []])
        #expect(effects.batch?.operations.contains { $0.node == a } != true)
        #expect(effects.contains(.wake(Instant(milliseconds: agent.now + 1))))
        #expect(try agent.say(.tick).batch?.operations.map(\.node) == [a])
    }

    @Test func `rules that cannot be read stay as they were, and say why`() throws {
        let (agent, entries) = try makeSynced()
        _ = try write("b\n", agent, ["": entries, "d": []])
        let b = try node(agent, "b")
        let large = [UInt8](repeating: 0x61, count: IgnoreRules.limitBytes + 1)
        let unreadable: [RulesReading] = [
            .failed(Problem(.permission, "cannot read .relayignore: permission denied")), .busy,
            .content(large, A.fingerprint(92, mode: 0o644), trusted: true),
        ]
        for (index, reading) in unreadable.enumerated() {
            agent.rules = reading
            let found = A.file(".relayignore", UInt64(91 + index))
            let effects = try agent.showing(["": entries + [found], "d": []], agent.say(.rescan))
            #expect(effects.batch == nil)
            #expect(agent.engine.isIgnored(b))
            #expect(!agent.engine.state.isInSync)
        }
        let problem = try #require(
            try agent.engine.problems(limit: 9).first { $0.reason.hindrance == .limit })
        #expect(problem.path == A.path(".relayignore"))
        // Over a restart, too.
        agent.rules = .failed(Problem(.inputOutput, "cannot read .relayignore: the disk reports an error"))
        agent.restart()
        let effects = try agent.showing(
            ["": entries + [Self.file], "d": []],
            agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false)))
        #expect(effects.batch == nil && agent.engine.isIgnored(b))
        #expect(agent.replica.localChild(Placement(parent: .root, name: Fixture.name("b"))) == nil)
    }

    @Test func `before rules were ever read, nothing is looked at`() throws {
        let agent = AgentConversation()
        agent.rules = .failed(Problem(.permission, "cannot read .relayignore: permission denied"))
        let effects = try agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false))
        #expect(effects.looks == [])
        let problems = try agent.engine.problems(limit: 9)
        #expect(problems.map(\.path) == [A.path(".relayignore")])
        #expect(problems.map(\.reason.hindrance) == [.permission])
        agent.rules = .missing
        #expect(try agent.say(.tick, after: 5000).looks == [.directory(.root)])
    }

    @Test func `rules that are gone for a moment stay in force, and then both sides merge`() throws {
        let (agent, entries) = try makeSynced()
        _ = try write("b\nc\n", agent, ["": entries, "d": []])
        let (b, c) = (try node(agent, "b"), try node(agent, "c"))
        agent.rules = .missing
        // The link `c` is gone, and `b` leads elsewhere.
        let found = [entries[0], A.link("b", to: "elsewhere", 40), entries[3]]
        let early = try agent.showing(["": found, "d": []], agent.say(.rescan))
        #expect(early.batch == nil && agent.engine.isIgnored(b) && agent.engine.isIgnored(c))
        let late = try agent.showing(["": found, "d": []], agent.say(.tick, after: 1001))
        #expect(!agent.engine.isIgnored(b) && !agent.engine.isIgnored(c))
        let operations = late.batch?.operations ?? []
        #expect(
            !operations.contains { operation in
                if case .remove(let node, _, _) = operation { node == b || node == c } else { false }
            })
        let steps = late.steps
        let isBack = steps.contains { step in
            if case .makeSymlink(A.path("c"), _, over: .nothing) = step { true } else { false }
        }
        let isConflict = steps.contains { step in
            if case .makeSymlink(A.path("b"), _, over: .entry(_, keep: true, _)) = step {
                true
            } else {
                false
            }
        }
        #expect(isBack && isConflict)
    }

    @Test func `a directory is left out with what was being placed in it`() throws {
        let (agent, entries) = try makeSynced()
        let model: FolderModel = ["": entries, "d": [A.link("y", to: "x", 51)]]
        let batch = try #require(try agent.showing(model, agent.say(.rescan)).batch)
        _ = try write("d/\n", agent, model)
        let (d, b) = (try node(agent, "d"), try node(agent, "b"))
        // The hub has `b` in that directory by now.
        var state = try #require(agent.replica.node(b)?.remote?.state)
        state.placement = Placement(parent: d, name: Fixture.name("b"))
        state.placementRevision = Revision(5)
        let record = NodeRecord(node: b, revision: Revision(5), state: state, device: Self.device)
        let action = try #require(
            try agent.say(.message(.changes(A.page([record], through: 5)))).actions.first)
        try agent.say(.message(A.accept(batch, from: 6)), .message(.changes(A.page([], through: 6))))
        let outcome = ApplyOutcome.done(A.fingerprint(11, mode: 0o777))
        try agent.say(.applied([ApplyResult(action: action, outcome: outcome)]))
        #expect(agent.engine.isIgnored(d) && agent.engine.isIgnored(b))
        #expect(agent.replica.node(d)?.local == nil && agent.replica.node(b)?.local == nil)
    }

    @Test func `what the former rules let in is not placed by new ones`() throws {
        let (agent, entries) = try makeSynced()
        var model: FolderModel = ["": entries, "d": []]
        let reads = try write("z\n", agent, model).reads
        func read(_ requests: [ReadRequest]) throws -> [AgentEffect] {
            let content = ContentDescription(
                content: ContentID(Bytes32(9, 0, 0, 0)), sizeBytes: 4096, manifest: Manifest([]), inline: nil)
            let outcome = ReadOutcome.content(content, Self.file.fingerprint, trusted: true)
            return try agent.say(.read(requests.map { A.result($0, outcome) }))
        }
        let batch = try #require(try read(reads).batch)
        try agent.say(.message(A.accept(batch, from: 5)), .message(.changes(A.page([], through: 5))))
        #expect(agent.engine.state.isInSync)
        // While the folder is looked through, something comes in that the rules found there leave out.
        let looks = try agent.say(.rescan)
        let id = NodeID(high: 1 << 63, low: 7)
        let place = Placement(parent: try node(agent, "d"), name: Fixture.name("x"))
        let record = NodeRecord(
            node: id, revision: Revision(6),
            state: Fixture.state(place, .symlink(target: Array("x".utf8)), placed: 6, changed: 6),
            device: Self.device)
        let held = try agent.say(.message(.changes(A.page([record], through: 6))))
        #expect(held.actions.isEmpty)
        var rules = Self.file
        rules.fingerprint.modified.seconds += 1
        model["", default: []].append(rules)
        agent.rules = .content(Array("d/\n".utf8), rules.fingerprint, trusted: true)
        let effects = try agent.showing(model, looks)
        #expect(effects.actions.isEmpty)
    }

    @Test func `a directory that was removed elsewhere stays for what is left out of it`() throws {
        let (agent, entries) = try makeSynced()
        let model: FolderModel = ["": entries + [Self.file], "d": [A.link("x.o", to: "y", 51)]]
        agent.rules = Self.rules("*.o\n")
        _ = try agent.showing(model, agent.say(.rescan))
        let d = try node(agent, "d")
        let removed = NodeRecord(node: d, revision: Revision(5), state: nil, device: Self.device)
        let effects = try agent.say(.message(.changes(A.page([removed], through: 5))))
        let action = try #require(
            effects.compactMap { effect -> ApplyAction? in
                if case .apply(let actions) = effect { actions.first } else { nil }
            }.first)
        #expect(action.step == .removeDirectory(A.path("d"), identity: A.identity(20)))
        _ = try agent.showing(
            model, agent.say(.applied([ApplyResult(action: action, outcome: .notEmpty)])))
        let problem = try #require(
            try agent.engine.problems(limit: 9).first { $0.path == A.path("d") })
        #expect(problem.reason.hindrance == .obstructed)
        #expect(problem.reason.text.contains("x.o"))
        // Once that is gone, so is the directory, without a wait.
        let looks = try agent.say(.hints([.entry(A.path("d/x.o"), writing: false)]))
        let later = try agent.showing(["": entries + [Self.file], "d": []], looks)
        #expect(later.steps == [.removeDirectory(A.path("d"), identity: A.identity(20))])
    }

    @Test func `a directory comes back of which the share has what is left out, until that is deleted`()
        throws
    {
        let (agent, entries) = try makeSynced()
        let o = NodeID(high: 1 << 63, low: 77)
        let d = try node(agent, "d")
        _ = try write("*.o\n", agent, ["": entries, "d": []])
        let record = NodeRecord(
            node: o, revision: Revision(5),
            state: Fixture.state(
                Placement(parent: d, name: Fixture.name("x.o")), Fixture.link("y"), placed: 5, changed: 5),
            device: Self.device)
        let effects = try agent.say(.message(.changes(A.page([record], through: 5))))
        #expect(effects.steps == [] && agent.engine.isIgnored(o))
        // Whoever removes the directory may never have seen what the share has in it.
        _ = try agent.showing(["": entries.dropLast() + [Self.file]], agent.say(.rescan))
        let later = try agent.say(.tick, after: 200)
        #expect(later.batch == nil)
        #expect(later.steps == [.makeDirectory(A.path("d"), mode: PermissionBits(0o755))])
        let batch = try agent.say(.remove(A.path("d"))).batch
        #expect(
            batch?.operations == [
                .remove(node: o, placementBasedOn: Revision(5), payloadBasedOn: Revision(5))
            ])
    }

    @Test func `what somebody wants removed is removed, though it is left out`() throws {
        let (agent, entries) = try makeSynced()
        _ = try write("b\n", agent, ["": entries, "d": []])
        let b = try node(agent, "b")
        let batch = try agent.say(.remove(A.path("b"))).batch
        #expect(batch?.operations.contains { $0.node == b } == true)
    }

    @Test func `who was away waits for the rules of the share`() throws {
        let (agent, entries) = try makeSynced()
        agent.restart()
        // While nobody looked, `b` was removed, and `c` led elsewhere.
        let found = [entries[0], A.link("c", to: "elsewhere", 40), entries[3]]
        _ = try agent.showing(
            ["": found, "d": []], agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false)))
        try agent.say(.connected)
        let id = NodeID(high: 1 << 63, low: 7)
        let record = NodeRecord(
            node: id, revision: Revision(5),
            state: Fixture.state(RulesFile.placement, Fixture.file(4096), placed: 5, changed: 5),
            device: Self.device)
        var effects = try agent.say(
            .message(.welcome(A.welcome())), .message(.changes(A.page([record], through: 5))))
        let request = try #require(effects.stages.first)
        effects += try agent.say(.tick, after: 500)
        effects += try agent.say(.staged(node: id, content: request.payload.content, .ready(nil)))
        let action = try #require(
            effects.compactMap { effect -> ApplyAction? in
                if case .apply(let actions) = effect { actions.first } else { nil }
            }.first)
        agent.rules = Self.rules("b\nc\n")
        let fingerprint = A.fingerprint(Self.rulesInode, mode: 0o644)
        effects += try agent.showing(
            ["": found + [Self.file], "d": []],
            agent.say(.applied([ApplyResult(action: action, outcome: .done(fingerprint))])))
        effects += try agent.say(.tick, after: 500)
        #expect(effects.batch == nil)
        #expect(try agent.engine.isIgnored(node(agent, "b")) && agent.engine.isIgnored(node(agent, "c")))
    }

    @Test func `who joins waits for the rules of the share`() throws {
        let agent = AgentConversation()
        let entries = [A.link("b", to: "mine", 10), A.link("c", to: "mine", 11)]
        _ = try agent.showing(
            ["": entries], agent.say(.opened(root: A.rootIdentity, mayHaveLostWrites: false)))
        try agent.say(.connected)
        let id = NodeID(high: 1 << 63, low: 7)
        let record = NodeRecord(
            node: id, revision: Revision(1),
            state: Fixture.state(RulesFile.placement, Fixture.file(4096)), device: Self.device)
        let welcomed = try agent.say(
            .message(.welcome(A.welcome())), .message(.changes(A.page([record], through: 1))))
        #expect(welcomed.batch == nil)
        let request = try #require(welcomed.stages.first)
        let staged = try agent.say(.staged(node: id, content: request.payload.content, .ready(nil)))
        let action = try #require(
            staged.compactMap { effect -> ApplyAction? in
                if case .apply(let actions) = effect { actions.first } else { nil }
            }.first)
        agent.rules = Self.rules("b\n")
        let fingerprint = A.fingerprint(Self.rulesInode, mode: 0o644)
        let applied = try agent.say(
            .applied([ApplyResult(action: action, outcome: .done(fingerprint))]))
        #expect(applied.batch == nil)
        let effects = try agent.showing(["": entries + [Self.file]], applied)
        let batch = try #require(effects.batch)
        #expect(batch.operations.count == 1)
        guard case .create(_, let placement, _, _) = batch.operations[0] else { return }
        #expect(placement.name == Fixture.name("c"))
    }
}
