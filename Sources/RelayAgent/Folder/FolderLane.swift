// SPDX-License-Identifier: Apache-2.0

import Dispatch
import RelayCore
import RelayFolder
import Synchronization

/// The one thread that scans and changes the folder, and reads small files that it finds changed: everything
/// that is asked for is done in order.
///
/// Before each step the folder's root is verified. Once it is not the known one any more, nothing more is
/// done, and the owner is told.
final class FolderLane: Sendable {
    private let folder: SharedFolder
    private let queue: DispatchQueue
    private let onEchoes: @Sendable () -> Void
    private let onRootLost: @Sendable (FolderError) -> Void
    private let isStopped = Mutex(false)
    private let scanned = Mutex(Duration.zero)

    /// What the lane's own steps left, and how many lots of hints wait to be compared with that.
    private struct Echoing {
        var echoes = Echoes()
        var waiting = 0
    }
    private let echoing = Mutex(Echoing())

    /// `onEchoes` is called when hints that waited were looked into.
    init(
        folder: SharedFolder, onEchoes: @escaping @Sendable () -> Void,
        onRootLost: @escaping @Sendable (FolderError) -> Void
    ) {
        self.folder = folder
        self.onEchoes = onEchoes
        self.onRootLost = onRootLost
        queue = DispatchQueue(label: "relay.folder", qos: .userInitiated)
    }

    /// How long the scans took so far, all together.
    var scanTime: Duration { scanned.withLock { $0 } }

    func scan(
        _ requests: [ScanRequest], reading wishes: ReadingWishes,
        then post: @escaping @Sendable ([ScanResult]) -> Void
    ) {
        enter { folder in
            let begin = ContinuousClock.now
            self.echoing.withLock { for request in requests { $0.echoes.forget(request) } }
            let results = folder.scan(requests, reading: wishes)
            if results.contains(where: { $0.reading != nil }) { Failpoint.fileRead.reach() }
            self.scanned.withLock { $0 += ContinuousClock.now - begin }
            // What was found in a root that was replaced meanwhile says nothing.
            if self.isRootVerified() { self.tell { post(results) } }
        }
    }

    func apply(_ actions: [ApplyAction], then post: @escaping @Sendable ([ApplyResult]) -> Void) {
        echoing.withLock { $0.echoes.expect(actions) }
        enter { folder in
            let results = folder.apply(actions)
            self.echoing.withLock { $0.echoes.note(results) }
            self.tell { post(results) }
        }
    }

    /// After the hints that came in the meantime: what the engine concludes from the results is not to be
    /// concluded without them.
    private func tell(_ post: @escaping @Sendable () -> Void) { queue.async(execute: post) }

    /// Whether hints wait for the end of what is under way.
    var hasHints: Bool { echoing.withLock { $0.waiting > 0 } }

    /// Passes on the hints that tell of more than the lane's own steps: at once those of places that no step
    /// concerned, the others after a look.
    func filter(_ hints: [Hint], then post: @escaping @Sendable ([Hint]) -> Void) {
        var news: [Hint] = []
        var doubtful: [Hint] = []
        echoing.withLock { echoing in
            for hint in hints {
                if echoing.echoes.mayExplain(hint) { doubtful.append(hint) } else { news.append(hint) }
            }
            if !doubtful.isEmpty { echoing.waiting += 1 }
        }
        // In this order: no result is told between the two.
        defer { if !news.isEmpty { post(news) } }
        guard !doubtful.isEmpty else { return }
        enter { [doubtful] folder in
            let found = folder.look(at: doubtful.map(\.path))
            let news = self.echoing.withLock { echoing in
                zip(doubtful, found).filter { hint, found in !echoing.echoes.explains(hint) { _ in found } }
            }
            if !news.isEmpty { post(news.map(\.0)) }
            self.echoing.withLock { $0.waiting -= 1 }
            self.onEchoes()
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
