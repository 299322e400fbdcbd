// SPDX-License-Identifier: Apache-2.0

import RelayCore

// What goes wrong while it is chaos.

extension World {
    func beginFault() {
        guard isChaos else { return }
        schedule(.fault, after: delay(1...configuration.faultPace * 2))
        guard let agent = random.pick(agents) else { return }
        let fault = Fault.allCases[random.index(weights: configuration.faultWeights)]
        note(UInt64(agent.index))
        switch fault {
        case .cut:
            if let connection = agent.connection { cut(connection) }
        case .offline:
            agent.offlineUntil = now + Int64(delay(100...20_000))
            if let connection = agent.connection { cut(connection) }
        case .agentCrash: crashForAWhile(agent, losingCommits: 0)
        case .powerCut: cutPower(agent)
        case .databaseLoss:
            guard random.chance(300) else { return }
            crashForAWhile(agent, losingCommits: 0)
            trace("\(agent.name) loses its database")
            agent.replica = MemoryReplica()
            ledger.forgetsNow = true
        case .hubCrash: crashHub()
        case .hubRestore:
            guard hub.isUp, random.chance(300) else { return }
            crashHub()
            let lost = UInt64(random.within(1...20))
            let head = hub.index.head.revision.number
            trace("the hub is restored to revision \(head - min(lost, head))")
            hub.index.restore(to: Revision(head - min(lost, head)))
            ledger.forgetsNow = true
        case .spuriousRescan: receive(.rescan, at: agent)
        case .stagingFailure: agent.isStagingBroken.toggle()
        }
    }

    private func cutPower(_ agent: SimulatedAgent) {
        guard agent.isUp else { return }
        crashForAWhile(agent, losingCommits: random.within(0...5))
        agent.mayHaveLostWrites = true
        ledger.forgetsNow = true
        agent.disk.now = now
        for (token, isInPlace) in agent.disk.cutPower(takes: { random.chance(500) }) {
            trace("\(agent.name) loses content \(token.number)")
            // What others have is not lost.
            let isOnHub = hub.index.holds(token) && hub.store.contains(token.content)
            if !isOnHub, !isOnSomeDisk(token) {
                ledger.destroy(token)
            } else if isInPlace, hub.index.currentlyHolds(token) {
                ledger.mustSurvive(token)
            }
        }
    }

    private func crashForAWhile(_ agent: SimulatedAgent, losingCommits count: Int) {
        guard agent.isUp else { return }
        if count > 0 { ledger.forgetsNow = true }
        crash(agent, losingCommits: count)
        schedule(.start(agent: agent.index), after: delay(0...(random.chance(200) ? 10_000 : 500)))
    }
}
