// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

@Suite struct SuccessorTests {
    private let first = NodeID(high: 1, low: 1)
    private let second = NodeID(high: 2, low: 2)

    private func outlives(
        _ successors: Successors, _ node: NodeID, _ revision: UInt64, isPending: Bool = true
    ) throws -> Bool {
        try successors.outlives(node, lossAt: Revision(revision)) { _ in isPending }
    }

    @Test func `a successor outlives removals that do not know of it`() throws {
        var successors = Successors()
        #expect(try !outlives(successors, second, 5))
        successors.insert(second, of: first)
        #expect(try outlives(successors, second, 5))
        #expect(try !outlives(successors, first, 5))
        #expect(try !outlives(successors, second, 5, isPending: false))
        successors.accepted(first, at: Revision(7))
        #expect(try outlives(successors, second, 6))
        // Whoever removed it then is told of the other's removal, and decides.
        #expect(try !outlives(successors, second, 8))
        successors.forget(through: Revision(6))
        #expect(try outlives(successors, second, 6))
        successors.forget(through: Revision(7))
        #expect(try !outlives(successors, second, 6))
    }

    @Test func `where the predecessor stays nothing is to be outlived`() throws {
        var successors = Successors()
        successors.insert(second, of: first)
        successors.refused(first)
        #expect(try !outlives(successors, second, 5))
        // The file went on to a third name.
        successors.insert(second, of: first)
        successors.insert(NodeID(high: 3, low: 3), of: first)
        #expect(try !outlives(successors, second, 5))
        #expect(try outlives(successors, NodeID(high: 3, low: 3), 5))
    }

    private static func reading(
        _ request: ReadRequest, _ number: UInt64, _ inode: UInt64, sizeBytes: UInt64 = 4096
    ) -> ReadResult {
        let content = ContentDescription(
            content: ContentID(Bytes32(number, 1, 1, 1)), sizeBytes: sizeBytes, manifest: Manifest([]),
            inline: nil)
        var fingerprint = A.fingerprint(inode, mode: 0o644)
        fingerprint.sizeBytes = sizeBytes
        return ReadResult(
            node: request.node, path: request.path, outcome: .content(content, fingerprint, trusted: true))
    }

    /// An agent with two files in sync, a and c, and the node of c.
    private static func twoFiles() throws -> (AgentConversation, NodeID) {
        let agent = AgentConversation()
        try agent.begin()
        let both = [A.file("a", 10), A.file("c", 11)]
        let looked = try agent.showing(["": both], agent.say(.rescan))
        let results = looked.reads.map { request in
            request.path == A.path("a") ? reading(request, 1, 10) : reading(request, 2, 11)
        }
        let batch = try #require(try agent.say(.read(results)).batch)
        let nodes = try batch.operations.map { operation in
            guard case .create(let node, let placement, _, _) = operation else {
                throw WrongOperation()
            }
            return (node, placement.name)
        }
        let node = try #require(nodes.first { $0.1 == Fixture.name("c") }?.0)
        try agent.say(.message(A.accept(batch, from: 1)), .message(.changes(A.page([], through: 2))))
        #expect(agent.engine.state.isInSync)
        return (agent, node)
    }

    /// Lets the agent find and tell that one of the two files was renamed over the other, as revision 3.
    private static func rename(_ agent: AgentConversation, over file: FoundEntry, content: UInt64) throws {
        let moved = try agent.showing(["": [file]], agent.say(.rescan))
        let inode = file.fingerprint.identity.inode
        let change = try agent.say(.read(moved.reads.map { reading($0, content, inode) }))
        let batch = try #require(change.batch)
        try agent.say(.message(A.accept(batch, from: 3)), .message(.changes(A.page([], through: 3))))
    }

    /// Somebody else's change of c, as revision 4.
    private static func overwriting(_ c: NodeID) throws -> (content: ContentID, page: AgentInput) {
        let place = Placement(parent: .root, name: Fixture.name("c"))
        let payload = Fixture.file(9)
        let record = NodeRecord(
            node: c, revision: Revision(4), state: Fixture.state(place, payload, placed: 2, changed: 4),
            device: DeviceID(Bytes32(1, 2, 3, 4)))
        return (try #require(payload.content), .message(.changes(A.page([record], through: 4))))
    }

    /// Two rename a file over another one, each another way round: to the share, each removes what the other
    /// has the file as.
    @Test(arguments: [true, false])
    func `a file that was renamed over another stays when the other is removed elsewhere`(
        isFirst: Bool
    ) throws {
        let (agent, node) = try Self.twoFiles()
        // mv a c
        let moved = try agent.showing(["": [A.file("c", 10)]], agent.say(.rescan))
        let change = try agent.say(.read(moved.reads.map { Self.reading($0, 1, 10) }))
        let changed = try #require(change.batch)
        try agent.say(.message(A.accept(changed, from: 3)), .message(.changes(A.page([], through: 3))))
        let removal = try #require(try agent.say(.tick, after: 200).batch)
        #expect(removal.operations.count == 1)
        let device = DeviceID(Bytes32(1, 2, 3, 4))
        let record = NodeRecord(
            node: node, revision: Revision(isFirst ? 4 : 5), state: nil, device: device)
        let effects = try agent.say(
            .message(A.accept(removal, from: isFirst ? 5 : 4)),
            .message(.changes(A.page([record], through: 5))))
        if isFirst {
            #expect(effects.steps == [])
            guard case .create(_, let placement, _, _)? = effects.batch?.operations.first else {
                Issue.record("it is not told anew: \(effects)")
                return
            }
            #expect(placement.name == Fixture.name("c"))
        } else {
            #expect(effects.steps == [.remove(A.path("c"), expected: A.fingerprint(10, mode: 0o644))])
        }
    }

    /// The page that brings an agent's own change back says nothing of anybody else.
    @Test func `an own change is no loss of what took its place since`() throws {
        let (agent, node) = try Self.twoFiles()
        // echo >> c
        var changed = A.file("c", 11)
        changed.fingerprint.sizeBytes = 8192
        let written = try agent.showing(["": [A.file("a", 10), changed]], agent.say(.rescan))
        let change = try agent.say(.read(written.reads.map { Self.reading($0, 3, 11, sizeBytes: 8192) }))
        let batch = try #require(change.batch)
        guard case .change(node, let payload, _)? = batch.operations.first else { throw WrongOperation() }
        // mv a c
        let moved = try agent.showing(["": [A.file("c", 10)]], agent.say(.rescan))
        try agent.say(.read(moved.reads.map { Self.reading($0, 1, 10) }))
        try agent.say(.tick, after: 200)
        let state = NodeState(
            placement: Placement(parent: .root, name: Fixture.name("c")), placementRevision: Revision(2),
            payload: payload, payloadRevision: Revision(3))
        let record = NodeRecord(
            node: node, revision: Revision(3), state: state, device: DeviceID(Bytes32(1, 2, 3, 4)))
        let effects = try agent.say(
            .message(A.accept(batch, from: 3)), .message(.changes(A.page([record], through: 3))))
        #expect(effects.steps == [])
        let next = try #require(effects.batch)
        guard case .change(node, let newPayload, basedOn: Revision(3))? = next.operations.last else {
            Issue.record("the file in its place is not told: \(next)")
            return
        }
        #expect(newPayload.content == ContentID(Bytes32(1, 1, 1, 1)))
    }

    /// The other one, which somebody changed meanwhile, was removed by it.
    @Test func `a file that was renamed over another goes on as that one when it is renamed once more`()
        throws
    {
        let (agent, node) = try Self.twoFiles()
        try Self.rename(agent, over: A.file("a", 11), content: 2)
        try agent.say(Self.overwriting(node).page)
        // mv a d
        let effects = try agent.showing(["": [A.file("d", 11)]], agent.say(.rescan))
        guard case .place(let id, let target, _)? = effects.batch?.operations.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(id != node && target.name == Fixture.name("d"))
    }

    /// As editors save: whoever changes the file then has seen what came with the draft.
    @Test func `a change that follows a draft renamed over the file is no conflict`() throws {
        let (agent, node) = try Self.twoFiles()
        try Self.rename(agent, over: A.file("c", 10), content: 1)
        let (content, overwriting) = try Self.overwriting(node)
        let page = try agent.say(overwriting)
        #expect(page.stages.map(\.payload.content) == [content])
        let removal = try agent.say(.tick, after: 2000)
        #expect(removal.batch?.operations.count == 1)
        let effects = try agent.say(.staged(node: node, content: content, .ready(nil)))
        guard case .placeFile(A.path("c"), _, over: .entry(_, keep: false, _))? = effects.steps.first else {
            Issue.record("\(effects)")
            return
        }
    }

    /// Nobody can have taken the file for a copy of the draft, which nobody but this agent ever saw.
    @Test func `a file goes when it is removed, though a draft was renamed over it a moment ago`() throws {
        let (agent, node) = try Self.twoFiles()
        let a = A.file("a", 10)
        // echo > .d; mv .d c
        _ = try agent.showing(["": [A.file(".d", 12), a, A.file("c", 11)]], agent.say(.rescan))
        let moved = try agent.showing(["": [a, A.file("c", 12)]], agent.say(.rescan))
        let reads = moved.reads.filter { $0.node == node }
        let batch = try #require(try agent.say(.read(reads.map { Self.reading($0, 5, 12) })).batch)
        try agent.say(.message(A.accept(batch, from: 3)), .message(.changes(A.page([], through: 3))))
        let record = NodeRecord(
            node: node, revision: Revision(4), state: nil, device: DeviceID(Bytes32(1, 2, 3, 4)))
        let effects = try agent.say(.message(.changes(A.page([record], through: 4))))
        #expect(effects.steps == [.remove(A.path("c"), expected: A.fingerprint(12, mode: 0o644))])
        #expect(effects.batch == nil)
    }

    /// Two names of one file from the beginning: that one goes tells nothing of the other.
    @Test(arguments: [true, false])
    func `a hard link is removed as any file, whatever happened to the other name`(isSettled: Bool) throws {
        let agent = A()
        try agent.begin()
        let links = [A.file("a", 10), A.file("c", 10)]
        let looked = try agent.showing(["": links], agent.say(.rescan))
        let read = try agent.say(.read(looked.reads.map { Self.reading($0, 1, 10) }))
        let batch = try #require(read.batch)
        try agent.say(.message(A.accept(batch, from: 1)), .message(.changes(A.page([], through: 2))))
        let place = Placement(parent: .root, name: Fixture.name("c"))
        let node = try #require(agent.replica.remoteChild(place))
        // rm a
        _ = try agent.showing(["": [A.file("c", 10)]], agent.say(.rescan))
        if isSettled { #expect(try agent.say(.tick, after: 2000).batch?.operations.count == 1) }
        let record = NodeRecord(
            node: node, revision: Revision(3), state: nil, device: DeviceID(Bytes32(1, 2, 3, 4)))
        let effects = try agent.say(.message(.changes(A.page([record], through: 3))))
        #expect(effects.steps == [.remove(A.path("c"), expected: A.fingerprint(10, mode: 0o644))])
    }

    /// A file that is renamed over another and back is all there is of it, when the other is removed by that;
    /// who overwrote it meanwhile took the other for its copy.
    @Test func `a file that was renamed over another and back is not overwritten unseen`() throws {
        let (agent, node) = try Self.twoFiles()
        try Self.rename(agent, over: A.file("a", 11), content: 2)
        let (content, overwriting) = try Self.overwriting(node)
        try agent.say(overwriting)
        // mv a c
        let back = try agent.showing(["": [A.file("c", 11)]], agent.say(.rescan))
        #expect(back.stages.map(\.payload.content) == [content])
        let ready = try agent.say(.staged(node: node, content: content, .ready(nil)))
        #expect(ready.steps == [])
        let effects = try agent.say(.tick, after: 2000)
        guard case .remove? = effects.batch?.operations.first,
            case .placeFile(A.path("c"), _, over: .entry(_, keep: true, _))? = effects.steps.first
        else {
            Issue.record("\(effects)")
            return
        }
    }

    private struct WrongOperation: Error {}
}
