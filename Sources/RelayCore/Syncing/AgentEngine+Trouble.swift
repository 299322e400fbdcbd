// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// What did not work is tried again; what may not be goes no further.

extension AgentEngine {
    /// Plans the node again after a while, longer each time.
    func retryLater(
        _ id: NodeID, reason: Reason? = nil, from first: Int64 = EngineLimits.firstRetryMilliseconds
    ) {
        let attempts = (retries[id]?.attempts ?? 0) + 1
        let delay = min(first << Int64(min(attempts - 1, 12)), EngineLimits.lastRetryMilliseconds)
        retries[id] = Retry(due: now + delay, attempts: attempts)
        if let reason { problems[id] = reason }
    }

    func clearTrouble(_ id: NodeID) {
        retries[id] = nil
        problems[id] = nil
    }

    func halt(_ reason: String) {
        guard haltReason == nil else { return }
        haltReason = reason
        effects.append(.halted(reason))
    }

    func resume() {
        guard haltReason != nil else { return }
        haltReason = nil
        effects.append(.resumed)
        for id in unsettled.sorted() { dirty.insert(id) }
    }
}
