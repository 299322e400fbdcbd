// SPDX-License-Identifier: Apache-2.0

import RelayCore

// What seems to differ on the disk may be a change that the watcher is about to tell of.

extension Verification {
    /// Between two looks: longer than the watcher and a file's writer may take.
    private static let interval = Duration.seconds(1)
    /// How often an entry must look the same, while the engine looks at nothing, to count.
    private static let looks = 2
    /// After so many looks what is still not sure counts as changing.
    private static let limitLooks = 20

    /// Looks at the suspects until each is a difference for sure, none any more, or seems to change all the
    /// time.
    mutating func lookAgain() async throws(Interrupted) {
        var open = suspects.map { (difference: $0, looks: 0) }
        suspects = []
        for _ in 0..<Self.limitLooks where !open.isEmpty {
            await pause(Self.interval)
            try checkCancellation()
            if await run.isObserving() { continue }
            var rest: [(difference: Difference, looks: Int)] = []
            var sure: [Difference] = []
            for suspect in open {
                guard let now = try await current(suspect.difference) else { continue }
                let looks = now == suspect.difference ? suspect.looks + 1 : 0
                if looks >= Self.looks { sure.append(now) } else { rest.append((now, looks)) }
            }
            // What was hinted at meanwhile may explain all of it.
            guard await !run.isObserving() else { continue }
            count(sure)
            open = rest
        }
        countAsChanging(open.count)
    }

    /// The difference as it is now; nil if there is none any more.
    private func current(_ difference: Difference) async throws(Interrupted) -> Difference? {
        let id: NodeID
        switch difference.repair {
        case .look(let placement): id = placement.parent
        case .read(let node), .ask(let node, _): id = node
        case .observe, .take, .offer, .plan: return difference
        }
        guard let inspection = await run.inspection(of: id) else { return nil }
        guard let found = await run.inspect(inspection, .full) else { throw Interrupted() }
        return found.differences.first { $0.path == difference.path }
    }
}
