// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// Runs one seed's world through its rounds: chaos, quiet, checks.
package struct Simulation {
    /// What became of a run.
    package struct Outcome: Sendable {
        package var seed: UInt64
        package var violation: Violation?
        /// Equal for equal runs.
        package var digest: UInt64
        package var events: Int
        package var revisions: UInt64
        package var milliseconds: Int64
        /// The last lines of what happened, if they were asked for.
        package var trace: [String]
    }

    /// No fault may hold up a world for longer than this, in virtual milliseconds.
    private static let limitQuiet: Int64 = 400_000
    private static let limitEvents = 300_000

    /// Runs the world of one seed; `steps` and `agents` overrule what the seed says. With `isPlanning` it is
    /// one of `Configuration.planningCases` cases for the planner.
    package static func run(
        seed: UInt64, steps: Int? = nil, agents: Int? = nil, isPlanning: Bool = false, traceLimit: Int = 0
    ) -> Outcome {
        let configuration = Configuration(seed: seed, steps: steps, agents: agents, isPlanning: isPlanning)
        let world = World(configuration: configuration, traceLimit: traceLimit)
        world.run()
        world.note(world.random.next())
        return Outcome(
            seed: seed, violation: world.violation, digest: world.digest, events: world.events,
            revisions: world.hub.index.head.revision.number, milliseconds: world.now,
            trace: world.lastTraceLines)
    }

    fileprivate static func isBeyond(_ world: World, since: Int64, _ events: Int) -> Bool {
        world.now - since > limitQuiet || world.events - events > limitEvents
    }
}

extension World {
    func run() {
        trace("\(configuration)")
        startHub()
        for agent in agents { start(agent) }
        for round in 0..<configuration.rounds where violation == nil {
            trace("round \(round)")
            roundStart = hub.index.head.revision
            // What a power cut took is back by now, and no user gives it up by writing over what was left.
            for agent in agents { agent.disk.forgetLosses() }
            let tree = standingsOfHub()
            ledger.beginRound(holding: agents.map { tokens(on: $0, tree) })
            makeChaos(round)
            makeQuiet(isLast: round == configuration.rounds - 1)
            if areRulesLost { return }
            if violation == nil { check() }
            if violation == nil, round == configuration.rounds - 1 { checkThatAllIsDone() }
        }
    }

    /// For so long the machines of a planning world do not see each other.
    private static var apartMilliseconds: Int64 { 1000 }

    private func makeChaos(_ round: Int) {
        isChaos = true
        switch (configuration.family, round) {
        case (.deletion, 1):
            operationsLeft = 0
            let agent = agents[random.below(agents.count)]
            if let victim = random.pick(agent.disk.walk()) {
                start(removeSteps(victim.path, on: agent.disk), agent)
            }
        case (.planning, 1...):
            for agent in agents {
                agent.offlineUntil = now + Self.apartMilliseconds
                if let connection = agent.connection { cut(connection) }
            }
            fallthrough
        default:
            operationsLeft = configuration.steps
            schedule(.userBegins, after: 1)
        }
        if configuration.faultPace > 0 { schedule(.fault, after: delay(0...configuration.faultPace)) }
        let isApart = configuration.family == .planning
        let end =
            isApart
            ? now + Self.apartMilliseconds
            : now + Int64(operationsLeft * configuration.pace * 2 + delay(10...5000))
        while now < end, violation == nil, let next = queue.nextTime, next < end { _ = step() }
    }

    /// Nothing fails any more, and nobody edits: all must come to rest.
    private func makeQuiet(isLast: Bool) {
        isChaos = false
        trace("quiet")
        for agent in agents {
            agent.offlineUntil = 0
            agent.isStagingBroken = false
            // Whoever is down is started by an event that was scheduled when it went down.
        }
        settle()
        guard violation == nil else { return }
        for agent in agents { receive(.rescan, at: agent) }
        settle()
        guard violation == nil, ledger.hasIgnored, !areRulesLost else { return }
        if !isHeldUpByRules, let difference = difference() { fail("N1", difference) }
        guard isHeldUpByRules || isLast || random.chance(500) else { return }
        liftRules()
        for agent in agents { receive(.rescan, at: agent) }
        settle()
    }

    func settle() {
        let since = now
        let eventsBefore = events
        var nextLook = now
        var heldUpSince: Int64?
        queuedSince = [:]
        while violation == nil {
            if materialEvents == 0 {
                if claimsToBeInSync { return }
                if now >= nextLook {
                    checkReasons()
                    if isStuckForGoodReason { return }
                    heldUpSince = isHeldUpByRules ? heldUpSince ?? now : nil
                    if let heldUpSince, heldUpSince + Self.patience < now { return }
                    nextLook = now + 1000
                }
            }
            guard !isOverdue(since, eventsBefore) else { return }
            guard step() else {
                if violation == nil, !isHeldUpByRules {
                    fail("N11", "nothing is under way, yet not all is in sync. \(unsettled())")
                }
                return
            }
        }
    }

    /// Nothing is tried again only after this, in virtual milliseconds.
    private static var patience: Int64 { 40_000 }

    private func isOverdue(_ since: Int64, _ eventsBefore: Int) -> Bool {
        guard Simulation.isBeyond(self, since: since, eventsBefore) else { return false }
        fail("N11", "no rest after \(now - since) ms and \(events - eventsBefore) events. \(unsettled())")
        return true
    }

    private func unsettled() -> String {
        var text = ""
        for agent in agents {
            guard let engine = agent.engine else {
                text += "\(agent.name) is down. "
                continue
            }
            let problems = (try? engine.problems(limit: 5)) ?? []
            text += "\(agent.name): \(engine.state); "
            text +=
                problems.map { "\($0.path): \($0.reason.hindrance), \($0.reason.text)" }.joined(
                    separator: "; ") + ". "
        }
        return text + "difference: \(difference() ?? "none")"
    }

    /// All agents start anew and look at everything: they must find nothing to do.
    private func checkThatAllIsDone() {
        guard claimsToBeInSync else { return }
        trace("restart")
        deeds = 0
        for agent in agents {
            crash(agent)
            start(agent)
        }
        settle()
        if violation == nil, deeds > 0 { fail("N15", "a restart when all was in sync led to \(deeds) deeds") }
        if violation == nil { check() }
    }
}
