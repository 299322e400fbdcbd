// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A batch of operations while it is put together, and until the hub has answered it.
struct Proposal {
    let id: BatchID
    private(set) var operations: [Operation] = []
    private(set) var offers: [ContentOffer] = []
    private(set) var nodes: Set<NodeID> = []
    private var offered: Set<ContentID> = []
    private var estimatedBytes = 0
    /// What each operation brought along.
    private var additions: [Addition] = []

    private struct Addition {
        var estimatedBytes: Int
        var isFirstOfNode: Bool
        var hasOffer: Bool
    }

    init(id: BatchID) { self.id = id }

    /// What was sent over an earlier connection.
    init(_ batch: UnansweredBatch) {
        id = batch.id
        operations = batch.operations
        nodes = Set(batch.operations.map(\.node))
    }

    var batch: Batch { Batch(id: id, operations: operations, offers: offers) }
    var unanswered: UnansweredBatch { UnansweredBatch(id: id, operations: operations) }

    /// Whether this much more still fits.
    func hasRoom(for operation: Operation, offer: ContentOffer?) -> Bool {
        operations.count + 2 < Batch.limitOperations
            && estimatedBytes + operation.estimatedBytes + (offer?.estimatedBytes ?? 0) < Batch.limitBytes
    }

    mutating func add(_ operation: Operation, offer: ContentOffer?) {
        operations.append(operation)
        var addition = Addition(
            estimatedBytes: operation.estimatedBytes, isFirstOfNode: nodes.insert(operation.node).inserted,
            hasOffer: false)
        if let offer, offered.insert(offer.content).inserted {
            offers.append(offer)
            addition.hasOffer = true
            addition.estimatedBytes += offer.estimatedBytes
        }
        estimatedBytes += addition.estimatedBytes
        additions.append(addition)
    }

    /// Takes back all but the first operations; only of what was added.
    mutating func takeBack(to count: Int) {
        while operations.count > count, let addition = additions.popLast() {
            let operation = operations.removeLast()
            if addition.isFirstOfNode { nodes.remove(operation.node) }
            if addition.hasOffer, let offer = offers.popLast() { offered.remove(offer.content) }
            estimatedBytes -= addition.estimatedBytes
        }
    }
}
