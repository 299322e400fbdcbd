// SPDX-License-Identifier: Apache-2.0

package import RelayCore

extension SQLiteReplica {
    package func nodesWithFormerStates() throws(StateError) -> [NodeID] {
        try insideTransaction { () throws(StateError) in try identifiers(statement(.formerNodes)) }
    }

    package func formerStates(of node: NodeID) throws(StateError) -> [NodeState] {
        let statement = try statement(.formerStates)
        statement.bind(1, node.raw)
        return try statement.all { row throws(StateError) in try row.state(0) }
    }

    package func nodesFormerly(at placement: Placement) throws(StateError) -> [NodeID] {
        let statement = try statement(.nodesFormerly)
        statement.bindPlacement(1, placement)
        return try identifiers(statement)
    }

    package func addFormerState(_ state: NodeState, of node: NodeID) throws(StateError) {
        let statement = try statement(.addFormer)
        statement.bind(1, node.raw)
        statement.bindState(2, state)
        try statement.run()
    }

    package func removeFormerStates(of node: NodeID) throws(StateError) {
        let statement = try statement(.deleteFormer)
        statement.bind(1, node.raw)
        try statement.run()
    }
}
