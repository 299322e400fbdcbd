// SPDX-License-Identifier: Apache-2.0

package import RelayCore

extension SQLiteReplica {
    package func landmarks() throws(StateError) -> [Landmark] {
        try insideTransaction { () throws(StateError) in
            try statement(.landmarks).all { row throws(StateError) in
                Landmark(
                    revision: Revision(UInt64(bitPattern: row.integer(0))),
                    chain: ChainValue(try row.bytes32(1)))
            }
        }
    }

    package func removeLandmarks(after revision: Revision) throws(StateError) {
        let statement = try statement(.deleteLandmarks)
        statement.bind(1, bits: revision.number)
        try statement.run()
    }

    package func noteRemoval(of node: NodeID, at revision: Revision) throws(StateError) {
        let insertion = try statement(.putRemoval)
        insertion.bind(1, node.raw)
        insertion.bind(2, bits: revision.number)
        try insertion.run()
        try statement(.trimRemovals).run()
    }

    package func removal(of node: NodeID) throws(StateError) -> Revision? {
        let statement = try statement(.removal)
        statement.bind(1, node.raw)
        return try statement.first { row throws(StateError) in
            Revision(UInt64(bitPattern: row.integer(0)))
        }
    }

    package func forgetRemovals(after revision: Revision) throws(StateError) {
        let statement = try statement(.deleteRemovals)
        statement.bind(1, bits: revision.number)
        try statement.run()
    }

    func put(_ landmark: Landmark) throws(StateError) {
        let statement = try statement(.putLandmark)
        statement.bind(1, bits: landmark.revision.number)
        statement.bind(2, landmark.chain.raw)
        try statement.run()
    }

    /// Keeps those that are worth it; returns how many there are now.
    func thinLandmarks() throws(StateError) -> Int {
        let all = try landmarks()
        let kept = Landmark.thinned(all)
        let revisions = Set(kept.map(\.revision))
        for landmark in all where !revisions.contains(landmark.revision) {
            let statement = try statement(.deleteLandmark)
            statement.bind(1, bits: landmark.revision.number)
            try statement.run()
        }
        return kept.count
    }
}
