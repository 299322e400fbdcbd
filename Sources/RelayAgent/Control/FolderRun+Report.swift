// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization

extension FolderRun {
    /// The most paths that a report names.
    private static let limitProblems = 100
    /// How long a report waits for the engine; after that it says what was known before.
    private static let patienceSeconds = 0.5

    /// The folder's status. Answers soon, also while the engine is busy.
    nonisolated func report(path: String, share: String) async -> FolderReport {
        await refreshProblems()
        let snapshot = snapshot.withLock { $0 }
        let link = parts.link.status
        let watch = parts.watch.status
        let engine = snapshot.engine
        let state: FolderReport.State
        if engine?.haltReason != nil || link.isRevoked {
            state = .halted
        } else if !link.isConnected {
            state = .offline
        } else {
            state = isInSync ? .inSync : .syncing
        }
        var problems = snapshot.problems
        if let trouble = watch.trouble {
            problems.insert(
                PathReport(
                    path: ".", cause: .unwatched, reason: "changes are not noticed at once: \(trouble)"),
                at: 0)
        }
        if let trouble = link.trouble {
            problems.insert(
                PathReport(path: ".", cause: .hub, reason: "changes made here wait: \(trouble)"), at: 0)
        }
        return FolderReport(
            path: path, share: share, hub: parts.hubText, state: state,
            reason: engine?.haltReason ?? link.text,
            cause: engine?.haltReason != nil
                ? .held : link.isRevoked ? .revoked : state == .offline ? .offline : nil,
            isConnected: link.isConnected, isScanned: engine?.isScanned ?? false,
            revision: snapshot.cursor?.revision.number ?? 0,
            epoch: snapshot.cursor.map { "\($0.epoch)" } ?? "", pending: engine?.pending ?? 0,
            polledDirectories: watch.polled, watchOverflows: watch.overflows,
            verification: snapshot.verification,
            problems: problems)
    }

    private nonisolated func refreshProblems() async {
        let isFresh = OneShot<Bool>()
        // The engine's thread may be busy for longer than anybody wants to wait for a report.
        enqueue { run in
            run.findProblems()
            isFresh.set(true)
        }
        _ = await withDeadline(seconds: Self.patienceSeconds) { await isFresh.wait() }
    }

    private func findProblems() {
        guard let unsynced = look({ engine, _ in try engine.problems(limit: Self.limitProblems) }) else {
            return
        }
        let progress = parts.fetcher.progress
        let problems = unsynced.map {
            PathReport($0, receivedBytes: $0.wanted.flatMap { progress.receivedBytes(of: $0.content) })
        }
        snapshot.withLock { $0.problems = problems }
    }
}

extension HubLink.Status {
    /// Why there is no connection; nil if there is one.
    fileprivate var text: String? {
        guard !isConnected else { return nil }
        guard isRevoked, let reason else { return reason ?? "connecting" }
        return reason + "; no file was deleted here and none is synced. Ask whoever runs the hub to readmit"
            + " this device (relay-server readmit), or keep the files and give the share up (relay-ctl leave)"
    }
}
