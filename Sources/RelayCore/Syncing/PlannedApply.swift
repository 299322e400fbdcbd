// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// One step of an apply batch, with what it is for.
struct PlannedApply {
    enum Purpose {
        /// The folder gets the node. `displacing`: a node of the folder alone that loses its name by it.
        case fetch(basis: NodeState, displacing: NodeID?)
        /// The node's entry gets this payload. `keepsLocal`: the present one becomes a conflict copy.
        case payload(Payload, basis: NodeState, keepsLocal: Bool)
        /// The node goes where the hub has it.
        case move(basis: NodeState)
        /// The node goes out of another's way. `isLocalChange`: and the hub is to learn of it.
        case evade(to: Placement, isLocalChange: Bool)
        case discard
    }
    var purpose: Purpose
    var action: ApplyAction

    var node: NodeID { action.node }
}
