// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore

/// One comparison of everything: the hub's index with the agent's, that with itself, and that with the disk,
/// every file's bytes included.
///
/// What seems to differ is looked at again before it counts: a change under way is no difference. What counts
/// is told to the engine, which observes and plans it anew. Nothing is written by the comparison.
struct Verification {
    let run: FolderRun
    let pace: VerificationPace
    private(set) var report: VerificationReport
    /// What seems to differ on the disk, and was not looked at again.
    var suspects: [Difference] = []
    /// Files that a person has to decide about.
    private(set) var damaged: [NodeID] = []

    /// The run is over, or the task was cancelled.
    struct Interrupted: Error {}

    /// How many entries are looked at between two rests.
    private static let portion = 32

    init(of run: FolderRun, _ pace: VerificationPace, path: String, share: String) {
        self.run = run
        self.pace = pace
        report = VerificationReport(path: path, share: share)
    }

    /// What a comparison that was interrupted had found.
    mutating func note(found: Int, damaged: [NodeID]) {
        report.differenceCount = found
        self.damaged = damaged
    }

    /// Compares the indexes: the hub's with the agent's, and that with itself.
    mutating func compareIndexes() async throws(Interrupted) {
        let found = try await compareWithHub()
        var flaws: [Difference] = []
        var after: NodeID?
        repeat {
            let position = after
            guard let portion = await pace.work({ [run] in await run.flaws(after: position) }) else {
                throw Interrupted()
            }
            flaws += portion.found
            after = portion.rest
            try checkCancellation()
        } while after != nil
        count(found + flaws)
    }

    /// Compares the disk with the index, from the node after `after` on; nil: all. `onProgress` is told after
    /// each portion how far it got.
    mutating func compareDisk(
        after: NodeID?, onProgress: (NodeID, VerificationReport) async -> Void = { _, _ in }
    ) async throws(Interrupted) {
        if after == nil { try await inspect([.directory(.root, .root)]) }
        var after = after
        repeat {
            guard let portion = await run.inspections(after: after, limit: Self.portion) else {
                throw Interrupted()
            }
            try await inspect(portion.inspections)
            if suspects.count >= pace.suspects { try await lookAgain() }
            after = portion.rest
            if let after { await onProgress(after, report) }
        } while after != nil
        try await lookAgain()
    }

    /// Compares some nodes with the disk.
    mutating func compare(_ nodes: [NodeID]) async throws(Interrupted) {
        for id in nodes {
            guard let inspection = await run.inspection(of: id) else { continue }
            try await inspect([inspection])
        }
        try await lookAgain()
    }

    private mutating func inspect(_ inspections: [Inspection]) async throws(Interrupted) {
        for inspection in inspections {
            try checkCancellation()
            guard let found = await run.inspect(inspection, pace) else { throw Interrupted() }
            report.directories += found.directories
            report.files += found.files
            report.bytes += found.bytes
            report.changing += found.changing
            for path in found.unreadable where report.unreadable.count < VerificationReport.limitUnreadable {
                report.unreadable.append(path)
            }
            suspects += found.differences
        }
    }

    /// Counts differences that are sure, and lets the engine know of them.
    mutating func count(_ differences: [Difference]) {
        guard !differences.isEmpty else { return }
        report.differenceCount += differences.count
        let room = max(0, VerificationReport.limitDifferences - report.differences.count)
        report.differences += differences.prefix(room).map(DifferenceReport.init)
        for difference in differences {
            if case .ask(let id, _) = difference.repair, !damaged.contains(id) { damaged.append(id) }
            run.parts.logger.warning(
                "comparison found a difference",
                metadata: [
                    "path": "\(difference.path)", "kind": "\(difference.kind.rawValue)",
                    "reason": "\(difference.detail)",
                ])
        }
        run.post(.verified(differences))
    }

    mutating func countAsChanging(_ entries: Int) { report.changing += entries }

    mutating func noteHub(_ head: Revision, records: Int) {
        report.revision = head.number
        report.records = records
    }

    mutating func skipHub(_ reason: String) { report.hubSkipped = reason }

    func checkCancellation() throws(Interrupted) {
        guard !Task.isCancelled, !run.isOver else { throw Interrupted() }
    }
}
