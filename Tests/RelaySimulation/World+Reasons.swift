// SPDX-License-Identifier: Apache-2.0

import RelayCore

// What agents say of what is not in sync must fit to what is going on.

extension World {
    /// How long something may stand in the queue when nothing fails any more, in virtual milliseconds.
    private static let limitQueued: Int64 = 60_000

    /// At any time: what is not in sync is under way or waits for something.
    func checkThatNothingIsStuck() {
        for (agent, problem) in problems() where problem.reason.hindrance == .stuck {
            fail("N11", "\(agent.name): \(problem.path) is stuck")
        }
    }

    /// While nothing is under way but timers run: what is not in sync waits for one of them, or for what no
    /// timer brings.
    func checkReasons() {
        var queued: Set<String> = []
        for (agent, problem) in problems() {
            switch problem.reason.hindrance {
            case .stuck, .transferring, .applying, .committing, .receiving:
                fail(
                    "N11",
                    "\(agent.name): nothing is under way, but \(problem.path) is said to be "
                        + "\(problem.reason.hindrance): \(problem.reason.text)")
            case .queued: queued.insert("\(agent.name): \(problem.path)")
            default: break
            }
        }
        queuedSince = queuedSince.filter { queued.contains($0.key) }
        for path in queued.sorted() {
            let since = queuedSince[path] ?? now
            queuedSince[path] = since
            if now - since > Self.limitQueued {
                fail("N11", "\(path) stands in the queue for \(now - since) ms")
            }
        }
    }

    /// Whether nothing that is not in sync would be so after a while.
    var waitsForPeopleOnly: Bool {
        problems().allSatisfy { [.obstructed, .device, .ignored].contains($0.1.reason.hindrance) }
    }

    private func problems() -> [(SimulatedAgent, UnsyncedPath)] {
        agents.flatMap { agent in
            ((try? agent.engine?.problems(limit: 100)) ?? []).map { (agent, $0) }
        }
    }

    /// The agents' indexes agree with the hub's, and each with itself.
    func checkIndexes() {
        for agent in agents {
            guard let engine = agent.engine else { continue }
            do throws(StateError) {
                if let difference = try firstDifference(engine, agent) {
                    fail("N15", "\(agent.name): \(difference.path) \(difference.kind): \(difference.detail)")
                }
            } catch {
                fail("engine", "\(agent.name) cannot compare: \(error)")
            }
        }
    }

    private func firstDifference(
        _ engine: SimulatedAgent.Engine, _ agent: SimulatedAgent
    ) throws(StateError) -> Difference? {
        for id in agent.replica.nodes(after: nil, limit: .max) {
            if let flaw = try engine.flaw(in: id) { return flaw }
        }
        guard engine.canCompareWithHub else { return nil }
        var named: Set<NodeID> = []
        var after = Revision.zero
        while true {
            let page = try AuditPage(of: hub.index, after: after, limit: 50)
            for record in page.records {
                named.insert(record.node)
                if let difference = try engine.difference(from: record) { return difference }
            }
            if page.isLast { break }
            after = page.through
        }
        for id in agent.replica.nodes(after: nil, limit: .max) where !named.contains(id) {
            let head = hub.index.head.revision
            if let difference = try engine.differenceOfUnnamed(id, head: head) { return difference }
        }
        return nil
    }
}
