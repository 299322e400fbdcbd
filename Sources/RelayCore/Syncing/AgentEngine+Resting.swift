// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// What passed through an engine leaves room in its collections; at rest that is given back.

extension AgentEngine {
    /// Holds no more memory than what is in mind needs. Changes nothing else.
    package func shrink() {
        effects = []
        steps = []
        offers.shrink()
        feedOffers.shrink()
        scans.shrink()
        readQueue.shrink()
        largeReadQueue.shrink()
        waitsForSteps.shrink()
        stageQueue.shrink()
        dirty.shrink()
        pullable.shrink()
        candidates.shrink()
        waits.shrink()
        unsettled.shrink()
        replaced.shrink()
        formerNodes.shrink()
        secondLooks.shrink()
        overtakenReads.shrink()
        applyingNodes.shrink()
        overruled.shrink()
        reverted.shrink()
        heirs.shrink()
        missing.shrink()
        writing.shrink()
        rescans.shrink()
        reading.shrink()
        drafts.shrink()
        stagings.shrink()
        stageRetries.shrink()
        retries.shrink()
        problems.shrink()
    }
}

extension Set {
    /// Gives back room that was needed once.
    mutating func shrink() {
        if capacity > 2 * count + 16 { self = Set(Array(self)) }
    }
}

extension Dictionary {
    /// Gives back room that was needed once.
    mutating func shrink() {
        if capacity > 2 * count + 16 { self = Dictionary(uniqueKeysWithValues: Array(self)) }
    }
}
