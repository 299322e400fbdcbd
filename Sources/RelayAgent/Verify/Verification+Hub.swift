// SPDX-License-Identifier: Apache-2.0

import RelayCore

// The hub's index and the agent's.

extension Verification {
    /// How long to wait for the agent to have caught up with the hub.
    private static let patience = 30
    /// How many differences are asked about once more, one by one.
    private static let limitQuestions = 1000

    /// Returns what differs, after a second question about each.
    mutating func compareWithHub() async throws(Interrupted) -> [Difference] {
        guard let cursor = try await waitForCursor() else {
            skipHub("the agent is not connected, or still takes in what the hub has")
            return []
        }
        guard run.parts.link.audits.isOffered else {
            skipHub("the hub is of a version that cannot be compared with")
            return []
        }
        var named: Set<NodeID> = []
        var found: [Difference] = []
        var after = Revision.zero
        var count = 0
        while true {
            let position = after
            guard let page = await pace.work({ [run] in await run.parts.link.audit(after: position) }) else {
                try checkCancellation()
                skipHub("the connection to the hub was lost meanwhile")
                return []
            }
            guard page.head.epoch == cursor.epoch else {
                skipHub("the hub has begun another line of history")
                return []
            }
            for record in page.records { named.insert(record.node) }
            count += page.records.count
            guard let portion = await run.differences(from: page.records) else { throw Interrupted() }
            found += portion
            // Meanwhile the connection may have been another, and the agent behind.
            guard await run.comparableCursor()?.epoch == cursor.epoch else {
                skipHub("the connection to the hub was lost meanwhile")
                return []
            }
            if page.isLast || page.through <= after {
                noteHub(page.head.revision, records: count)
                found += try await unnamed(named, head: page.head.revision)
                return try await askAgain(found)
            }
            after = page.through
        }
    }

    private func waitForCursor() async throws(Interrupted) -> Cursor? {
        for _ in 0..<Self.patience {
            try checkCancellation()
            if let cursor = await run.comparableCursor() { return cursor }
            // Before the first attempt has ended there is no reason.
            let status = run.parts.link.status
            guard status.isConnected || status.reason == nil else { return nil }
            await pause(.seconds(1))
        }
        return nil
    }

    private func unnamed(_ named: Set<NodeID>, head: Revision) async throws(Interrupted) -> [Difference] {
        var found: [Difference] = []
        var after: NodeID?
        repeat {
            let position = after
            let portion = await pace.work { [run] in
                await run.unnamed(by: named, head: head, after: position)
            }
            guard let portion else { throw Interrupted() }
            found += portion.found
            after = portion.rest
            try checkCancellation()
        } while after != nil
        return found
    }

    /// Each difference as it is now, if it still is one.
    private func askAgain(_ differences: [Difference]) async throws(Interrupted) -> [Difference] {
        var sure: [Difference] = []
        for difference in differences.prefix(Self.limitQuestions) {
            try checkCancellation()
            if let again = await askAgain(difference) { sure.append(again) }
        }
        return sure + differences.dropFirst(Self.limitQuestions)
    }

    private func askAgain(_ difference: Difference) async -> Difference? {
        switch difference.repair {
        case .take(let record):
            guard let now = await current(at: record.revision), now.node == record.node else { return nil }
            return await run.differences(from: [now])?.first
        case .offer(let id):
            guard let revision = await run.revision(of: id) else { return nil }
            let now = await current(at: revision)
            return now?.node == id ? nil : difference
        default: return difference
        }
    }

    /// The record of this revision, if it is still a latest one.
    private func current(at revision: Revision) async -> NodeRecord? {
        guard revision > .zero else { return nil }
        let page = await run.parts.link.audit(after: Revision(revision.number - 1), limit: 1)
        return page?.records.first { $0.revision == revision }
    }
}
