// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// What is due by the clock.

extension AgentEngine {
    func fireTimers() throws(StateError) {
        for placement in writing.filter({ $0.value.quiet <= now }).keys.sorted() {
            writing[placement] = nil
            scans.insert(entry: placement)
        }
        for placement in rescans.filter({ $0.value <= now }).keys.sorted() {
            rescans[placement] = nil
            scans.insert(entry: placement, isDeep: true)
        }
        if let due = rootScanDue, due <= now {
            rootScanDue = nil
            startFullScan()
        }
        for id in dueNodes(readRetries) {
            readRetries[id]?.due = nil
            requestRead(id)
        }
        for id in dueNodes(retries) {
            retries[id]?.due = nil
            dirty.insert(id)
        }
        for id in stageRetries.filter({ $0.value <= now }).keys.sorted() { retryStaging(id) }
    }

    private func dueNodes(_ retries: [NodeID: Retry]) -> [NodeID] {
        retries.filter { $0.value.due.map { $0 <= now } ?? false }.keys.sorted()
    }

    /// Whether something that vanished will be judged in the next turn, and could have been in this one.
    private var isJudgementDue: Bool {
        missing.values.contains { $0 <= now } && canJudge
            && unknown.values.allSatisfy { $0 + EngineLimits.uncertaintyMilliseconds <= now }
    }

    /// Asks to be called when the next thing is due.
    func announceWake() {
        var next = Instant(milliseconds: .max)
        for due in missing.values where due > now { next = min(next, due) }
        // What it waited for in this turn turned out later in it to be of no concern.
        if isJudgementDue { next = min(next, now + 1) }
        if let removalsDue, removalsDue > now, !missing.isEmpty { next = min(next, removalsDue) }
        if !missing.isEmpty || mayHoldUnrecorded || losses != nil {
            for since in unknown.values where since + EngineLimits.uncertaintyMilliseconds > now {
                next = min(next, since + EngineLimits.uncertaintyMilliseconds)
            }
        }
        for due in writing.values { next = min(next, due.quiet) }
        for due in rescans.values { next = min(next, due) }
        if let rootScanDue { next = min(next, rootScanDue) }
        if !scans.isEmpty, hasEnoughToTell, answerDue > now { next = min(next, answerDue) }
        if let due = rulesFile.due, due > now { next = min(next, due) }
        if let since = rulesFile.awaitedSince, since + EngineLimits.rulesPatienceMilliseconds > now {
            next = min(next, since + EngineLimits.rulesPatienceMilliseconds)
        }
        for retry in readRetries.values { next = min(next, retry.due ?? next) }
        for retry in retries.values { next = min(next, retry.due ?? next) }
        for due in stageRetries.values { next = min(next, due) }
        guard next.milliseconds != .max else {
            announcedWake = nil
            return
        }
        if let announced = announcedWake, announced == next, announced > now { return }
        announcedWake = next
        effects.append(.wake(next))
    }
}

extension Placement: Comparable {
    package static func < (left: Placement, right: Placement) -> Bool {
        left.parent == right.parent ? left.name < right.name : left.parent < right.parent
    }
}
