// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// Batches that wait because the index cannot be written at present, in the order in which they came.
struct HeldBatches {
    /// Why they wait.
    let cause: StateError
    private(set) var batches: [(id: SubscriberID, batch: CheckedBatch)] = []
    private(set) var bytes = 0

    /// The most bytes of batches that wait.
    private static let limitBytes = 64 << 20

    init(cause: StateError) { self.cause = cause }

    /// For people at the other end; the hub's log has the details.
    var reason: String {
        cause.isDiskFull
            ? "the hub's disk is full" : "the hub cannot write its index at the moment; its log says why"
    }

    /// False if there is no more room for those who wait.
    mutating func add(_ batch: CheckedBatch, from id: SubscriberID) -> Bool {
        guard bytes + batch.queuedBytes <= Self.limitBytes else { return false }
        batches.append((id, batch))
        bytes += batch.queuedBytes
        return true
    }

    /// Nobody waits for the answers to this connection's batches any more.
    mutating func drop(_ id: SubscriberID) {
        batches.removeAll { $0.id == id }
        bytes = batches.reduce(0) { $0 + $1.batch.queuedBytes }
    }

    /// The first batches, at least one and no more than about so many bytes.
    func first(limitBytes: Int) -> [(id: SubscriberID, batch: CheckedBatch)] {
        var bytes = 0
        let count = batches.prefix { entry in
            defer { bytes += entry.batch.queuedBytes }
            return bytes == 0 || bytes + entry.batch.queuedBytes <= limitBytes
        }.count
        return Array(batches.prefix(count))
    }

    mutating func removeFirst(_ count: Int) {
        batches.removeFirst(count)
        bytes = batches.reduce(0) { $0 + $1.batch.queuedBytes }
    }
}
