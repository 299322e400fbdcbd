// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// The rows that were used last, those known to be missing included; at most twice `generationLimit`.
///
/// Two generations: when the young one is full it becomes the old one, and the old one is forgotten.
struct RowCache {
    private var young: [NodeID: ReplicaNode?] = [:]
    private var old: [NodeID: ReplicaNode?] = [:]

    static let generationLimit = 4096

    /// Nil when nothing is known of the row; a nil within when it is known to be missing.
    mutating func find(_ id: NodeID) -> ReplicaNode?? {
        if let row = young[id] { return .some(row) }
        guard let row = old[id] else { return nil }
        store(row, for: id)
        return .some(row)
    }

    mutating func store(_ row: ReplicaNode?, for id: NodeID) {
        if young.count >= Self.generationLimit {
            swap(&young, &old)
            young.removeAll(keepingCapacity: true)
        }
        young[id] = .some(row)
    }

    mutating func removeAll() {
        young.removeAll(keepingCapacity: true)
        old.removeAll(keepingCapacity: true)
    }
}
