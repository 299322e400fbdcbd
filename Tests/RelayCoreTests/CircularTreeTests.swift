// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

/// A replica whose local tree leads in a circle, which only damage or a mistake can make.
@Suite(.timeLimit(.minutes(1))) struct CircularTreeTests {
    private let outer = NodeID(high: 1, low: 1)
    private let inner = NodeID(high: 1, low: 2)

    private func directory(_ id: NodeID, in parent: NodeID) -> ReplicaNode {
        var node = ReplicaNode(id: id)
        node.local = LocalState(
            placement: Placement(parent: parent, name: Fixture.name("d")), kind: .directory,
            payload: .directory(mode: PermissionBits(0o755)),
            fingerprint: A.fingerprint(id.raw.low, mode: 0o755), isTrusted: true)
        return node
    }

    @Test func `what stands nowhere counts as gone, and nobody looks for its place for ever`() throws {
        let agent = A()
        try agent.begin()
        agent.replica.put(directory(outer, in: inner))
        agent.replica.put(directory(inner, in: outer))
        #expect(try agent.engine.localPath(inner) == nil)
        agent.engine.missing[NodeID(high: 9, low: 9)] = Instant(milliseconds: 1)
        #expect(try agent.engine.isGone(inner) && agent.engine.isGone(outer))
        #expect(try agent.engine.vanished(at: .root) == nil)
        try agent.engine.loosen(inner, from: .root)
        #expect(agent.replica.node(inner)?.local?.placement.parent == outer)
    }
}
