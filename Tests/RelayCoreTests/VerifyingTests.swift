// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

@Suite struct VerifyingTests {
    /// What the folder holds: a directory `d` and a file `f`.
    private let entries = [A.directory("d", 10), A.file("f", 11)]

    /// An agent in sync, and the hub's records: `d` of revision 1, `f` of revision 2.
    private func makeSynced() throws -> (agent: AgentConversation, d: NodeRecord, f: NodeRecord) {
        let file = FilePayload(
            content: ContentID(Bytes32(5, 0, 0, 0)), sizeBytes: 4096, mode: PermissionBits(0o644),
            modified: Timestamp(seconds: 5, nanoseconds: 0))
        let d = Self.record("d", 1, Fixture.directory())
        let f = Self.record("f", 2, .file(file))
        let agent = AgentConversation()
        try agent.begin()
        var effects = try agent.say(.message(.changes(A.page([d, f], through: 2))))
        effects += try agent.say(.staged(node: f.node, content: file.content, .ready(nil)))
        effects = try agent.applying(effects)
        _ = try agent.reading(effects.reads, content: 5)
        #expect(agent.engine.state.isInSync)
        return (agent, d, f)
    }

    private static func record(_ name: String, _ revision: UInt64, _ payload: Payload) -> NodeRecord {
        let place = Placement(parent: .root, name: Fixture.name(name))
        return NodeRecord(
            node: NodeID(high: 1 << 63, low: 70 + revision), revision: Revision(revision),
            state: Fixture.state(place, payload, placed: revision, changed: revision),
            device: DeviceID(Bytes32(1, 2, 3, 4)))
    }

    private func change(_ record: NodeRecord, _ body: (inout NodeState) -> Void) -> NodeRecord {
        var record = record
        if var state = record.state {
            body(&state)
            record.state = state
        }
        return record
    }

    @Test func `records that were taken in are no difference`() throws {
        let (agent, d, f) = try makeSynced()
        for record in [d, f] {
            #expect(try agent.engine.difference(from: record) == nil)
            #expect(try agent.engine.flaw(in: record.node) == nil)
            #expect(try agent.engine.differenceOfUnnamed(record.node, head: .zero) == nil)
        }
        // What the feed has not told yet is ahead, no difference.
        var ahead = change(f) { $0.payload = Fixture.file(9) }
        ahead.revision = Revision(3)
        #expect(try agent.engine.difference(from: ahead) == nil)
        try agent.say(.disconnected)
        #expect(!agent.engine.canCompareWithHub)
    }

    @Test func `another state on the hub is told, and taken in like any change`() throws {
        let (agent, _, f) = try makeSynced()
        let other = change(f) { state in
            if case .file(var file) = state.payload {
                file.mode = PermissionBits(0o600)
                state.payload = .file(file)
            }
        }
        let difference = try #require(try agent.engine.difference(from: other))
        #expect(difference.kind == .differsFromHub && difference.path == A.path("f"))
        #expect(difference.detail == "the hub has mode 0600 instead of 0644")
        let effects = try agent.say(.verified([difference]))
        #expect(effects.batch == nil)
        #expect(try agent.engine.difference(from: other) == nil)
        let steps = effects.steps
        #expect(steps.count == 1)
        guard case .setMetadata(_, _, PermissionBits(0o600), _)? = steps.first else {
            Issue.record("no change of mode: \(steps)")
            return
        }
    }

    @Test func `what the hub is said to have removed lives on`() throws {
        let (agent, _, f) = try makeSynced()
        let removed = NodeRecord(node: f.node, revision: f.revision, state: nil, device: f.device)
        let difference = try #require(try agent.engine.difference(from: removed))
        #expect(difference.kind == .differsFromHub)
        let effects = try agent.say(.verified([difference]))
        #expect(effects.steps == [])
        let operations = try #require(effects.batch?.operations)
        guard case .create(let node, let placement, _, _)? = operations.first else {
            Issue.record("no new node: \(operations)")
            return
        }
        #expect(operations.count == 1 && node != f.node && placement == f.state?.placement)
    }

    @Test func `what the hub lost is offered again`() throws {
        let (agent, d, f) = try makeSynced()
        let head = Revision(2)
        #expect(try agent.engine.differenceOfUnnamed(d.node, head: Revision(0)) == nil)
        let lost = try [d, f].compactMap { try agent.engine.differenceOfUnnamed($0.node, head: head) }
        #expect(lost.map(\.kind) == [.missingOnHub, .missingOnHub])
        let effects = try agent.say(.verified(lost))
        #expect(effects.steps == [])
        #expect(Set(effects.batch?.operations.map(\.node) ?? []) == [d.node, f.node])
    }

    @Test func `a record that is gone comes back from the hub and removes nothing`() throws {
        let (agent, d, f) = try makeSynced()
        // As if the row had been deleted.
        agent.replica.put(ReplicaNode(id: d.node))
        agent.replica.commit()
        let difference = try #require(try agent.engine.difference(from: d))
        #expect(difference.kind == .unknownHere && difference.path == A.path("d"))
        #expect(try agent.engine.flaw(in: f.node) == nil)
        let found = try agent.engine.differences(in: .root, at: .root, entries, hidden: [])
        #expect(found.map(\.kind) == [.unknownOnDisk] && found.map(\.path) == [A.path("d")])
        var effects = try agent.say(.verified([difference] + found))
        effects = try agent.showing(["": entries], effects)
        #expect(effects.batch == nil)
        #expect(agent.replica.node(d.node)?.isInSync == true)
    }

    @Test func `a record that does not fit together is observed anew, and nothing is told to the hub`() throws
    {
        let (agent, d, f) = try makeSynced()
        var node = try #require(agent.replica.node(f.node))
        guard case .file(var file)? = node.local?.payload else { return }
        file.mode = PermissionBits(0o600)
        node.local?.payload = .file(file)
        agent.replica.put(node)
        var directory = try #require(agent.replica.node(d.node))
        directory.local = nil
        agent.replica.put(directory)
        agent.replica.commit()
        let flaws = try [d, f].compactMap { try agent.engine.flaw(in: $0.node) }
        #expect(flaws.map(\.kind) == [.damagedRecord, .damagedRecord])
        #expect(flaws.last?.detail.contains("mode 0600 instead of 0644") == true)
        var effects = try agent.say(.verified(flaws))
        #expect(effects.reads.map(\.path) == [A.path("f")])
        effects += try agent.reading(effects.reads, content: 5)
        effects = try agent.showing(["": entries], effects)
        #expect(effects.batch == nil)
        for record in [d, f] { #expect(try agent.engine.flaw(in: record.node) == nil) }
    }

    @Test func `what the watcher did not tell of is found and looked at`() throws {
        let (agent, _, _) = try makeSynced()
        let changed = FoundEntry(
            name: Fixture.name("f"), kind: .file, fingerprint: A.fingerprint(12, mode: 0o644))
        let found = try agent.engine.differences(
            in: .root, at: .root, [changed, A.link("l", to: "x", 13)], hidden: [])
        #expect(found.map(\.kind) == [.changedOnDisk, .unknownOnDisk, .missingOnDisk])
        #expect(found.map(\.path) == ["f", "l", "d"].map { A.path($0) })
        #expect(found.first?.detail == "another inode")
        let looks = try agent.say(.verified(found)).looks
        #expect(Set(looks) == Set(["f", "l", "d"].map { .entry(A.path($0)) }))
        #expect(try agent.engine.differences(in: .root, at: .root, entries, hidden: []) == [])
        #expect(
            try agent.engine.differences(in: .root, at: .root, [], hidden: entries.map(\.name)) == [])
    }

    @Test func `a file damaged on the disk is told and left alone, until somebody writes it`() throws {
        let (agent, _, f) = try makeSynced()
        let fingerprint = A.fingerprint(11, mode: 0o644)
        #expect(try agent.verdict(on: f.node, content: 5, fingerprint) == .equal)
        let verdict = try agent.verdict(on: f.node, content: 66, fingerprint)
        guard case .different(let difference) = verdict else {
            Issue.record("not told: \(verdict)")
            return
        }
        #expect(difference.kind == .damagedOnDisk && difference.path == A.path("f"))
        let effects = try agent.say(.verified([difference]))
        #expect(effects.batch == nil && effects.reads == [] && effects.steps == [])
        let problems = try agent.engine.problems(limit: 9)
        #expect(problems.map(\.path) == [A.path("f")])
        #expect(problems.map(\.reason.hindrance) == [.damaged])
        // A write is a decision.
        var later = fingerprint
        later.changed = Timestamp(seconds: 50, nanoseconds: 0)
        later.modified = later.changed
        let touched = FoundEntry(name: Fixture.name("f"), kind: .file, fingerprint: later)
        let reads = try agent.showing(["": [entries[0], touched]], agent.say(.rescan)).reads
        let batch = try agent.reading(reads, content: 66, later).batch
        #expect(batch?.operations.map(\.node) == [f.node])
        #expect(try !agent.engine.problems(limit: 9).contains { $0.reason.hindrance == .damaged })
    }

    @Test func `a change of mode is no decision about damaged bytes`() throws {
        let (agent, _, f) = try makeSynced()
        let fingerprint = A.fingerprint(11, mode: 0o644)
        guard case .different(let difference) = try agent.verdict(on: f.node, content: 66, fingerprint)
        else { return }
        try agent.say(.verified([difference]))
        var later = A.fingerprint(11, mode: 0o600)
        later.changed = Timestamp(seconds: 50, nanoseconds: 0)
        let changed = FoundEntry(name: Fixture.name("f"), kind: .file, fingerprint: later)
        var effects = try agent.showing(["": [entries[0], changed]], agent.say(.rescan))
        effects += try agent.reading(effects.reads, content: 66, later)
        let batch = try #require(effects.lazy.compactMap { [$0].batch }.first)
        guard case .change(_, .file(let file), _)? = batch.operations.first else {
            Issue.record("no change of mode")
            return
        }
        try agent.say(.message(A.accept(batch, from: 3)), .message(.changes(A.page([], through: 3))))
        #expect(file.content == f.state?.payload.content && file.mode == PermissionBits(0o600))
        #expect(try agent.engine.flaw(in: f.node) == nil)
        guard case .different(let again) = try agent.verdict(on: f.node, content: 66, later) else {
            Issue.record("it is not damaged any more")
            return
        }
        #expect(again.kind == .damagedOnDisk)
    }

    @Test func `the share's next version does not cost damaged bytes`() throws {
        let (agent, _, f) = try makeSynced()
        let verdict = try agent.verdict(on: f.node, content: 66, A.fingerprint(11, mode: 0o644))
        guard case .different(let difference) = verdict else { return }
        try agent.say(.verified([difference]))
        var next = change(f) { state in
            state.payload = Fixture.file(4096, at: 9)
            state.payloadRevision = Revision(3)
        }
        next.revision = Revision(3)
        let staged = try agent.say(.message(.changes(A.page([next], through: 3)))).stages
        let request = try #require(staged.first)
        let steps = try agent.say(
            .staged(node: request.node, content: request.payload.content, .ready(nil))
        ).steps
        guard case .placeFile(_, _, over: .entry(_, keep: true, _))? = steps.first else {
            Issue.record("they are not kept: \(steps)")
            return
        }
    }

    @Test func `damaged bytes outlive a removal elsewhere`() throws {
        let (agent, _, f) = try makeSynced()
        let fingerprint = A.fingerprint(11, mode: 0o644)
        guard case .different(let difference) = try agent.verdict(on: f.node, content: 66, fingerprint)
        else { return }
        try agent.say(.verified([difference]))
        let removed = NodeRecord(node: f.node, revision: Revision(3), state: nil, device: f.device)
        let effects = try agent.say(.message(.changes(A.page([removed], through: 3))))
        #expect(effects.steps == [])
        let batch = try agent.reading(effects.reads, content: 66, fingerprint).batch
        guard case .create(_, _, .file(let file), _)? = batch?.operations.first else {
            Issue.record("they are not shared: \(String(describing: batch))")
            return
        }
        #expect(file.content == ContentID(Bytes32(66, 0, 0, 0)))
    }

    @Test func `a record that disagrees with disk and hub is read again`() throws {
        let (agent, _, f) = try makeSynced()
        var node = try #require(agent.replica.node(f.node))
        guard case .file(var file)? = node.local?.payload else { return }
        file.content = ContentID(Bytes32(77, 0, 0, 0))
        node.local?.payload = .file(file)
        agent.replica.put(node)
        agent.replica.commit()
        let verdict = try agent.verdict(on: f.node, content: 5, A.fingerprint(11, mode: 0o644))
        guard case .different(let difference) = verdict else {
            Issue.record("not told: \(verdict)")
            return
        }
        #expect(difference.kind == .damagedRecord)
        let effects = try agent.say(.verified([difference]))
        #expect(effects.batch == nil && effects.reads.map(\.path) == [A.path("f")])
        #expect(try agent.reading(effects.reads, content: 5).batch == nil)
        #expect(agent.engine.state.isInSync)
    }

    @Test func `what nothing is under way for is stuck, and planned again`() throws {
        let (agent, d, _) = try makeSynced()
        var node = try #require(agent.replica.node(d.node))
        node.local?.payload = .directory(mode: PermissionBits(0o700))
        // As if the engine had lost track of it.
        try agent.engine.put(node)
        agent.replica.commit()
        #expect(try agent.engine.reason(d.node).hindrance == .stuck)
        let flaw = try #require(try agent.engine.flaw(in: d.node))
        #expect(flaw.kind == .forgotten && flaw.repair == .plan(d.node))
        #expect(try agent.engine.hangs(limit: 9) == [flaw])
        let batch = try agent.say(.verified([flaw])).batch
        #expect(batch?.operations.map(\.node) == [d.node])
        #expect(try agent.engine.reason(d.node).hindrance == .committing)
    }

    @Test func `a file that changes while it is compared is no difference`() throws {
        let (agent, _, f) = try makeSynced()
        let fingerprint = A.fingerprint(11, mode: 0o644)
        var later = fingerprint
        later.modified = Timestamp(seconds: 60, nanoseconds: 0)
        #expect(try agent.verdict(on: f.node, content: 66, later, expecting: fingerprint) == .changing)
        #expect(try agent.verdict(on: f.node, content: 66, later, expecting: later) == .changing)
        let busy = ReadResult(node: f.node, path: A.path("f"), outcome: .busy)
        #expect(try agent.engine.verdict(on: f.node, busy, expecting: fingerprint) == .changing)
    }

    @Test func `a page of the hub's index is as long as asked for, and says where it ends`() throws {
        let index = MemoryShareIndex(epoch: A.epoch)
        for number in 1...5 as ClosedRange<UInt64> {
            let node = NodeID(high: 1 << 63, low: number)
            let place = Placement(parent: .root, name: Fixture.name("n\(number)"))
            try index.append(
                NodeRecord(
                    node: node, revision: Revision(number),
                    state: Fixture.state(place, Fixture.directory(), placed: number, changed: number),
                    device: DeviceID(Bytes32(1, 2, 3, 4))), chain: .start)
        }
        let first = try AuditPage(of: index, after: .zero, limit: 3)
        #expect(first.records.map(\.revision.number) == [1, 2, 3] && !first.isLast)
        #expect(first.through == Revision(3) && first.head.revision == Revision(5))
        let last = try AuditPage(of: index, after: first.through, limit: 3)
        #expect(last.records.map(\.revision.number) == [4, 5] && last.isLast)
        let none = try AuditPage(of: index, after: Revision(9), limit: 3)
        #expect(none.records == [] && none.isLast)
    }
}

extension AgentConversation {
    /// Carries out all steps: `d` gets the inode 10, `f` 11.
    fileprivate func applying(_ effects: [AgentEffect]) throws -> [AgentEffect] {
        var all = effects
        var rest = effects
        while let actions = rest.lazy.compactMap({ $0.actions }).first {
            let results = actions.map { action in
                let isFile = action.step.path == Self.path("f")
                let fingerprint = Self.fingerprint(isFile ? 11 : 10, mode: isFile ? 0o644 : 0o755)
                return ApplyResult(action: action, outcome: .done(fingerprint))
            }
            rest = try say(.applied(results))
            all += rest
        }
        return all
    }

    /// Answers reads with the content of a number; the file is as it was found, or as given.
    fileprivate func reading(
        _ requests: [ReadRequest], content: UInt64, _ fingerprint: Fingerprint? = nil
    ) throws -> [AgentEffect] {
        let fingerprint = fingerprint ?? Self.fingerprint(11, mode: 0o644)
        let results = requests.map { request in
            ReadResult(
                node: request.node, path: request.path,
                outcome: .content(Self.description(content), fingerprint, trusted: true))
        }
        return results.isEmpty ? [] : try say(.read(results))
    }

    fileprivate func verdict(
        on node: NodeID, content: UInt64, _ fingerprint: Fingerprint, expecting: Fingerprint? = nil
    ) throws -> ContentVerdict {
        let result = ReadResult(
            node: node, path: Self.path("f"),
            outcome: .content(Self.description(content), fingerprint, trusted: true))
        return try engine.verdict(on: node, result, expecting: expecting ?? fingerprint)
    }

    private static func description(_ content: UInt64) -> ContentDescription {
        ContentDescription(
            content: ContentID(Bytes32(content, 0, 0, 0)), sizeBytes: 4096, manifest: Manifest([]),
            inline: nil)
    }
}

extension AgentEffect {
    fileprivate var actions: [ApplyAction]? { if case .apply(let actions) = self { actions } else { nil } }
}
