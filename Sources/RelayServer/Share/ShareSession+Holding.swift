// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage

// Batches wait while the index cannot be written, and are decided once it can.

extension ShareSession {
    /// From now on batches wait. Those who subscribe just now are told after their welcome.
    func beginHolding(_ error: StateError, butFor newcomers: Set<SubscriberID>) {
        held = HeldBatches(cause: error)
        logger.error("changes wait, trying on", metadata: ["error": "\(error)"])
        for id in subscribed.subtracting(newcomers) { tell(id) }
        retries.put(())
    }

    /// Has a batch wait; its connection ends if there is no room for it.
    func hold(_ batch: CheckedBatch, from id: SubscriberID) {
        guard links[id] != nil, held?.add(batch, from: id) == false else { return }
        links[id]?.end(.failure(held?.cause))
    }

    /// Tells whether changes wait, and why.
    func tell(_ id: SubscriberID) {
        links[id]?.send(.trouble(held?.reason))
    }

    /// Decides what waits, as far as the index can be written.
    func decideHeld(_ open: OpenShare) throws(StateError) {
        guard held != nil else { return }
        do throws(StateError) {
            try open.transaction { try open.index.probe() }
        } catch {
            guard !error.isDamaged else { throw error }
            retries.put(())
            return
        }
        while let entries = held?.first(limitBytes: Self.groupBytes), !entries.isEmpty {
            var group = Group()
            group.batches = entries
            group.inputs = entries.map { .commit($0.id, $0.batch.batch) }
            guard try decide(group, open) == nil else {
                retries.put(())
                return
            }
            held?.removeFirst(entries.count)
        }
        held = nil
        unrecorded = [:]
        logger.info("changes are decided again")
        for id in subscribed { tell(id) }
    }
}
