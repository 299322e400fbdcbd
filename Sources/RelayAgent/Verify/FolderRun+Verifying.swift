// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayFolder
import RelayStorage
import Synchronization

// Comparing everything: for somebody who asks, and now and then in the background.

extension FolderRun {
    /// Compares everything for somebody who waits; nil when the run is over or the task is cancelled.
    nonisolated func verify(path: String, share: String) async -> VerificationReport? {
        await waitUntilScanned()
        var verification = Verification(of: self, .full, path: path, share: share)
        do throws(Verification.Interrupted) {
            try await verification.compareIndexes()
            try await verification.compareDisk(after: nil)
        } catch {
            return nil
        }
        let (found, damaged) = (verification.report.differenceCount, verification.damaged)
        await change { $0.finish(found: found, damaged: damaged, now: MonotonicClock.wallClock().seconds) }
        return verification.report
    }

    /// Compares everything each time when the interval is over, a little at a time, until the run is over. A
    /// comparison that was interrupted goes on where it was.
    nonisolated func verifyRegularly() async {
        await change { _ in }
        await waitUntilScanned()
        await lookAtDamaged()
        guard let interval = configuration.verificationInterval else { return }
        while !isOver {
            let now = MonotonicClock.wallClock().seconds
            guard let record = await change({ _ in }) else { return }
            await pause(record.delay(now: now, interval: interval))
            guard !isOver else { return }
            // Somebody may have asked for a comparison meanwhile.
            guard let record = await change({ _ in }) else { return }
            guard record.isDue(now: MonotonicClock.wallClock().seconds, interval: interval) else { continue }
            snapshot.withLock { $0.verification.isRunning = true }
            await verifyGently(record)
            snapshot.withLock { $0.verification.isRunning = false }
        }
    }

    private nonisolated func verifyGently(_ record: VerificationRecord) async {
        var verification = Verification(of: self, .gentle, path: parts.folder.path, share: "")
        if record.position != nil { verification.note(found: record.found, damaged: record.damaged) }
        do throws(Verification.Interrupted) {
            try await verification.compareIndexes()
            try await verification.compareDisk(after: record.position) { [self] position, report in
                let found = report.differenceCount
                await change {
                    $0.position = position
                    $0.found = found
                }
            }
        } catch {
            return
        }
        let (found, damaged) = (verification.report.differenceCount, verification.damaged)
        await change { $0.finish(found: found, damaged: damaged, now: MonotonicClock.wallClock().seconds) }
        Failpoint.comparisonKept.reach()
        parts.logger.notice(
            "comparison of disk, index and hub ended",
            metadata: [
                "files": "\(verification.report.files)", "differences": "\(found)",
                "hub": "\(verification.report.hubSkipped ?? "compared")",
            ])
    }

    /// Files that a person had to decide about when the agent ended: whether that is still so.
    private nonisolated func lookAtDamaged() async {
        guard let record = await change({ _ in }), !record.damaged.isEmpty else { return }
        var verification = Verification(of: self, .full, path: parts.folder.path, share: "")
        guard (try? await verification.compare(record.damaged)) != nil else { return }
        let damaged = verification.damaged
        await change { $0.damaged = damaged }
    }

    /// Changes what is kept of comparisons, and tells the status; nil once the run is over.
    @discardableResult
    private func change(_ body: @Sendable (inout VerificationRecord) -> Void) -> VerificationRecord? {
        let record = look { _, replica in
            let stored = try replica.setting(VerificationRecord.key)
            let before = stored.flatMap { VerificationRecord(encoded: $0) }
            var record = before ?? VerificationRecord(since: MonotonicClock.wallClock().seconds)
            body(&record)
            if record != before { try replica.setSetting(VerificationRecord.key, record.encoded) }
            return record
        }
        if let record {
            snapshot.withLock { snapshot in
                snapshot.verification.finished = record.standing.finished
                snapshot.verification.differences = record.differences
            }
        }
        return record
    }

    /// Returns once the folder was looked through, or the run is over.
    nonisolated func waitUntilScanned() async {
        while !isOver {
            let generation = turned.generation
            if snapshot.withLock({ $0.engine?.isScanned ?? false }) { return }
            await turned.wait(after: generation)
        }
    }
}
