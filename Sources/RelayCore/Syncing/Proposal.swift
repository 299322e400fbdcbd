// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A batch of operations while it is put together, and until the hub has answered it.
struct Proposal {
    let id: BatchID
    private(set) var operations: [Operation] = []
    private(set) var offers: [ContentOffer] = []
    private(set) var nodes: Set<NodeID> = []
    private var offered: Set<ContentID> = []
    private var estimatedBytes = 0

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
        nodes.insert(operation.node)
        estimatedBytes += operation.estimatedBytes
        if let offer, offered.insert(offer.content).inserted {
            offers.append(offer)
            estimatedBytes += offer.estimatedBytes
        }
    }
}
