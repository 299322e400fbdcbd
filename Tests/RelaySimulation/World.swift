// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// A promise that a world broke.
package struct Violation: Error, Sendable, CustomStringConvertible {
    /// `N1` to `N18` of the invariants, or what failed otherwise.
    package var invariant: String
    package var text: String
    package var description: String { "\(invariant): \(text)" }
}

/// Everything there is in one run: machines, users, a hub, the network, and one queue of what happens next.
package final class World {
    let configuration: Configuration
    var random: SeededRandom
    /// For what is carried, so that all else goes on as without it.
    var carrying: SeededRandom
    var queue = EventQueue<Event>()
    var now: Int64 = 10_000
    var agents: [SimulatedAgent] = []
    let hub: SimulatedHub
    var ledger = Ledger()
    var scripts: [UserScript] = []
    /// The names that users' steps name.
    var userNames: Set<EntryName> = []
    var connections: UInt64 = 0
    var tickets = 0
    /// Events under way that are more than timers.
    var materialEvents = 0
    var events = 0
    /// Whether users edit and things fail.
    var isChaos = false
    var operationsLeft = 0
    /// The hub's newest revision when the round began.
    var roundStart = Revision.zero
    var violation: Violation?
    var digest: UInt64 = 0
    private let traceLimit: Int
    private var traceLines: [String] = []
    /// What stands in the queue of an agent, since when.
    var queuedSince: [String: Int64] = [:]
    /// What agents did since the last start of counting, for the check that nothing is done.
    var deeds = 0

    package init(configuration: Configuration, traceLimit: Int) {
        self.configuration = configuration
        self.traceLimit = traceLimit
        random = SeededRandom(seed: configuration.seed ^ 0x5eed)
        carrying = SeededRandom(seed: configuration.seed ^ 0xca44_1ed0)
        hub = SimulatedHub(epoch: Epoch(high: configuration.seed, low: 1))
        for index in 0..<configuration.agents {
            agents.append(SimulatedAgent(index: index, configuration: configuration, random: &random))
        }
    }

    // What was seen.

    func trace(_ line: @autoclosure () -> String) {
        guard traceLimit > 0 else { return }
        traceLines.append("\(now) \(line())")
        if traceLines.count > traceLimit * 2 { traceLines.removeFirst(traceLimit) }
    }

    package var lastTraceLines: [String] { traceLines.suffix(traceLimit) }

    /// Makes a number part of what tells this run from others.
    func note(_ value: UInt64) { digest = mixed(digest ^ value) &+ UInt64(truncatingIfNeeded: now) }

    func fail(_ invariant: String, _ text: String) {
        guard violation == nil else { return }
        trace("VIOLATION \(invariant): \(text)")
        for agent in agents { traceReplica(of: agent) }
        violation = Violation(invariant: invariant, text: text)
    }

    /// Writes down all that the agent knows.
    private func traceReplica(of agent: SimulatedAgent) {
        trace("\(agent.name) knows up to \(agent.replica.cursor.map { "\($0.revision)" } ?? "nothing")")
        for id in agent.replica.nodes(after: nil, limit: .max) {
            guard let node = agent.replica.node(id) else { continue }
            let reason = node.isInSync ? "in sync" : (try? agent.engine?.reason(id))?.text ?? ""
            trace("  \(describe(node)): \(reason)")
        }
    }

    // The loop.

    func schedule(_ event: Event, after delay: Int) { schedule(event, at: now + Int64(delay)) }

    func schedule(_ event: Event, at time: Int64) {
        if event.isMaterial { materialEvents += 1 }
        queue.add(event, at: max(time, now))
    }

    func delay(_ range: ClosedRange<Int>) -> Int { random.within(range) }

    /// Lets the next thing happen. False: nothing is left.
    func step() -> Bool {
        guard violation == nil, let (time, event) = queue.popFirst() else { return false }
        now = time
        events += 1
        if event.isMaterial { materialEvents -= 1 }
        for agent in agents { agent.disk.now = now }
        dispatch(event)
        if events.isMultiple(of: 64) { checkThatNothingIsStuck() }
        for agent in agents where agent.isUp && !agent.folder.parked.isEmpty {
            agent.folder.settleParked(self)
        }
        for agent in agents where agent.disk.watch.needsPump && !agent.isPumping {
            agent.isPumping = true
            schedule(.pump(agent: agent.index), after: delay(configuration.hintDelay))
        }
        return true
    }

    private func dispatch(_ event: Event) {
        switch event {
        case .userStep(let script): runStep(script)
        case .userBegins: beginOperation()
        case .fault: beginFault()
        case .pump(let agent): pump(agents[agent])
        case .overflow(let agent): reportOverflow(agents[agent])
        case .input(let agent, let incarnation, let input):
            guard agents[agent].incarnation == incarnation else { return }
            receive(input, at: agents[agent])
        case .process(let agent, let incarnation):
            guard agents[agent].incarnation == incarnation else { return }
            process(agents[agent])
        case .tick(let agent, let incarnation, let generation):
            guard agents[agent].incarnation == incarnation, agents[agent].wakeGeneration == generation else {
                return
            }
            receive(.tick, at: agents[agent])
        case .lane(let agent, let incarnation):
            guard agents[agent].incarnation == incarnation else { return }
            runLane(agents[agent])
        case .readEnds(let agent, let incarnation, let reading):
            guard agents[agent].incarnation == incarnation else { return }
            endRead(agents[agent], reading)
        case .stageEnds(let agent, let incarnation, let ticket):
            guard agents[agent].incarnation == incarnation else { return }
            endStage(agents[agent], ticket)
        case .toHub(let connection, let message): arrive(message, atHubFrom: connection)
        case .toAgent(let connection, let message): arrive(message, atAgentOf: connection)
        case .agentNotices(let connection): agentNotices(connection)
        case .hubNotices(let connection): hubNotices(connection)
        case .connect(let agent): connect(agents[agent])
        case .start(let agent): start(agents[agent])
        case .startHub: startHub()
        case .processHub(let incarnation):
            guard hub.incarnation == incarnation else { return }
            processHub()
        case .acquire(let content, let attempts): acquire(content, attempts)
        }
    }
}
