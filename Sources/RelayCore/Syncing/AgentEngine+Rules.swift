// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// From the root's `.relayignore` to the rules that are in force.
//
// A file that is not there, cannot be read or is no set of rules at some moment changes nothing: the rules
// that were last known stay in force. Only once it surely is gone are there none.

extension AgentEngine {
    /// Begins with the rules that an earlier engine read, until the file is read.
    func openRules() throws(StateError) {
        rulesFile.node = try replica.remoteChild(RulesFile.placement)
        rulesFile.due = now
        guard let bytes = replica.ignoreRules, let known = try? IgnoreRules(bytes) else { return }
        rulesFile.isKnown = true
        rules = known.isEmpty ? nil : known
    }

    /// The file was found like this, or was not found, by a look.
    func foundRules(_ fingerprint: Fingerprint?) {
        if SeededBug.keepsFormerRules.isMade { return }
        if fingerprint != rulesFile.fingerprint { rulesFile.due = now }
    }

    /// Nothing else goes on in the folder's lane while the rules are read: no step under way was planned by
    /// others than are in force when it is done.
    func startReadingRules() {
        guard let due = rulesFile.due, due <= now, !rulesFile.isBeingRead, scanning == nil, applying == nil
        else { return }
        rulesFile.due = nil
        rulesFile.isBeingRead = true
        effects.append(.readRules(isInsisting: rulesFile.busyReads >= EngineLimits.busyRulesReads))
    }

    /// Whether the file changed a moment ago, so that it is about to be read.
    package var areRulesUncertain: Bool {
        rulesFile.isBeingRead || rulesFile.isNew || rulesFile.due.map { $0 <= now } ?? false
    }

    func took(_ reading: RulesReading) throws(StateError) {
        guard rulesFile.isBeingRead else { return }
        rulesFile.isBeingRead = false
        switch reading {
        case .content(let bytes, let fingerprint, let isTrusted):
            rulesFile.fingerprint = fingerprint
            rulesFile.missingSince = nil
            rulesFile.busyReads = 0
            if !isTrusted { rulesFile.due = now + EngineLimits.distrustMilliseconds }
            let found: IgnoreRules
            do throws(IgnoreRules.Refusal) {
                found = try IgnoreRules(bytes)
            } catch {
                fail(Reason(.limit, "cannot use \(RulesFile.path): \(error). \(Self.rulesStay)"))
                return
            }
            rulesFile.trouble = nil
            try follow(found, bytes)
        case .missing:
            rulesFile.fingerprint = nil
            rulesFile.trouble = nil
            rulesFile.busyReads = 0
            let since = rulesFile.missingSince ?? now
            let end = since + EngineLimits.rulesAbsenceMilliseconds
            if rules != nil, end > now {
                rulesFile.missingSince = since
                rulesFile.due = end
                return
            }
            rulesFile.missingSince = nil
            try follow(nil, [])
        case .busy:
            rulesFile.busyReads += 1
            rulesFile.due = now + EngineLimits.quietMilliseconds
        case .failed(let problem):
            fail(Reason(Hindrance(problem.cause), "\(problem.description). \(Self.rulesStay)"))
        }
    }

    private func fail(_ reason: Reason) {
        rulesFile.trouble = reason
        rulesFile.due = now + EngineLimits.unseenRetryMilliseconds
    }

    private static var rulesStay: String { "The rules that were last known stay in force" }

    /// From now on these rules are in force, once the folder was looked through by them.
    private func follow(_ found: IgnoreRules?, _ bytes: [UInt8]) throws(StateError) {
        rulesFile.isKnown = true
        guard replica.ignoreRules != bytes else { return }
        try replica.setIgnoreRules(bytes)
        let hadRules = rules != nil
        rules = found?.isEmpty == false ? found : nil
        guard hadRules || rules != nil else { return }
        rulesFile.isNew = true
        takenNames = []
        startFullScan()
        for id in ignored.sorted() {
            if let node = try replica.node(id) { try putAndPlan(node) }
        }
        for id in unsettled.sorted() { dirty.insert(id) }
        // What the former rules let in is decided anew before it is placed.
        for id in pullable.popAll() { dirty.insert(id) }
    }

    /// Whether the share has rules that are on their way here, by which things may be left out that are not
    /// yet. That is waited for, but not for long: it may take a device that is away.
    func areRulesOnTheirWay() throws(StateError) -> Bool {
        guard let id = rulesFile.node, let node = try replica.node(id), try isPulled(node) else {
            rulesFile.awaitedSince = nil
            return false
        }
        let since = rulesFile.awaitedSince ?? now
        rulesFile.awaitedSince = since
        guard problems[id] == nil, !isUnavailable(id) else { return false }
        return since + EngineLimits.rulesPatienceMilliseconds > now
    }

    private func isPulled(_ node: ReplicaNode) throws(StateError) -> Bool {
        guard !node.isInSync else { return false }
        if let local = node.local {
            if try isGone(node.id) { return false }
            if local.payload == nil { return true }
        }
        switch plan(node) {
        case .fetch, .merge(.pull, _), .merge(_, .pull), .merge(_, .conflict): return true
        case .forget, .create, .remove, .discard, .revive, .merge: return false
        }
    }

    /// Keeps in mind which node the share has as its file of rules.
    func noteRules(_ node: ReplicaNode) {
        if node.remote?.state?.placement == RulesFile.placement {
            rulesFile.node = node.id
        } else if rulesFile.node == node.id {
            rulesFile.node = nil
        }
        if node.id == rulesFile.node, node.isInSync { rulesFile.awaitedSince = nil }
    }
}
