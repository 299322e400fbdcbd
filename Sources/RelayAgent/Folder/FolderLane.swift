// SPDX-License-Identifier: Apache-2.0

import Dispatch
import RelayCore
import RelayFolder
import Synchronization

/// The one thread that scans and changes the folder: everything that is asked for is done in order.
///
/// Before each step the folder's root is verified. Once it is not the known one any more, nothing more is
/// done, and the owner is told.
final class FolderLane: Sendable {
    private let folder: SharedFolder
    private let queue: DispatchQueue
    private let onRootLost: @Sendable (FolderError) -> Void
    private let isStopped = Mutex(false)
    private let scanned = Mutex(Duration.zero)

    /// What the lane's own steps left, and how many lots of hints wait to be compared with that.
    private struct Echoing {
        var echoes = Echoes()
        var waiting = 0
    }
    private let echoing = Mutex(Echoing())

    init(folder: SharedFolder, onRootLost: @escaping @Sendable (FolderError) -> Void) {
        self.folder = folder
        self.onRootLost = onRootLost
        queue = DispatchQueue(label: "relay.folder", qos: .userInitiated)
    }

    /// How long the scans took so far, all together.
    var scanTime: Duration { scanned.withLock { $0 } }

    func scan(_ requests: [ScanRequest], then post: @escaping @Sendable ([ScanResult]) -> Void) {
        enter { folder in
            let begin = ContinuousClock.now
            self.echoing.withLock { for request in requests { $0.echoes.forget(request) } }
            let results = folder.scan(requests)
            self.scanned.withLock { $0 += ContinuousClock.now - begin }
            // What was found in a root that was replaced meanwhile says nothing.
            if self.isRootVerified() { post(results) }
        }
    }

    func apply(_ actions: [ApplyAction], then post: @escaping @Sendable ([ApplyResult]) -> Void) {
        enter { folder in
            let results = folder.apply(actions)
            self.echoing.withLock { $0.echoes.note(results) }
            post(results)
        }
    }

    /// Passes on what tells of more than the lane's own steps; those under way are waited for.
    func filter(_ hints: [Hint], then post: @escaping @Sendable ([Hint]) -> Void) {
        let mustWait = echoing.withLock { echoing in
            guard echoing.waiting > 0 || !echoing.echoes.isEmpty else { return false }
            echoing.waiting += 1
            return true
        }
        guard mustWait else {
            post(hints)
            return
        }
        enter { folder in
            let news = self.echoing.withLock { echoing in
                echoing.waiting -= 1
                return folder.news(in: hints, &echoing.echoes)
            }
            if !news.isEmpty { post(news) }
        }
    }

    func readRules(isInsisting: Bool, then post: @escaping @Sendable (RulesReading) -> Void) {
        enter { folder in
            let reading = folder.readRules(isInsisting: isInsisting)
            // A root that was replaced meanwhile has other rules.
            if self.isRootVerified() { post(reading) }
        }
    }

    /// Runs the body between two steps; nil if the lane was stopped or the root is lost.
    func run<Value: Sendable>(_ body: @escaping @Sendable (SharedFolder) -> Value) async -> Value? {
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                guard !isStopped.withLock({ $0 }), isRootVerified() else {
                    continuation.resume(returning: nil)
                    return
                }
                continuation.resume(returning: body(folder))
            }
        }
    }

    /// Verifies the root. If it is lost, the owner is told.
    func check() { enter { _ in } }

    /// Nothing that has not begun will be done.
    func stop() { isStopped.withLock { $0 = true } }

    private func enter(_ body: @escaping @Sendable (SharedFolder) -> Void) {
        queue.async { [self] in
            guard !isStopped.withLock({ $0 }), isRootVerified() else { return }
            body(folder)
        }
    }

    private func isRootVerified() -> Bool {
        do throws(FolderError) {
            try folder.verifyRoot()
            return true
        } catch {
            stop()
            onRootLost(error)
            return false
        }
    }
}
