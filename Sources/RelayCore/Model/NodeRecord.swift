// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A live node as the hub knows it: two facets, each with the revision that last changed it.
package struct NodeState: Hashable, Sendable {
    package var placement: Placement
    package var placementRevision: Revision
    package var payload: Payload
    package var payloadRevision: Revision

    package init(
        placement: Placement, placementRevision: Revision, payload: Payload, payloadRevision: Revision
    ) {
        self.placement = placement
        self.placementRevision = placementRevision
        self.payload = payload
        self.payloadRevision = payloadRevision
    }
}

/// The latest of one node in the hub's order: what the change feed carries and the hub's index keeps.
package struct NodeRecord: Hashable, Sendable {
    package var node: NodeID
    /// The revision that last changed the node.
    package var revision: Revision
    /// Nil: the node was removed (a tombstone).
    package var state: NodeState?
    /// The device whose operation made this revision.
    package var device: DeviceID
    /// The node that this one is a conflict copy of.
    package var origin: NodeID?

    package init(
        node: NodeID, revision: Revision, state: NodeState?, device: DeviceID, origin: NodeID? = nil
    ) {
        self.node = node
        self.revision = revision
        self.state = state
        self.device = device
        self.origin = origin
    }
}

/// How far an agent has followed a share's change feed.
package struct Cursor: Hashable, Sendable {
    package var epoch: Epoch
    package var revision: Revision
    /// The hash chain's value after `revision`: two hubs that agree on it agree on all history before.
    package var chain: ChainValue

    package init(epoch: Epoch, revision: Revision, chain: ChainValue) {
        self.epoch = epoch
        self.revision = revision
        self.chain = chain
    }
}
