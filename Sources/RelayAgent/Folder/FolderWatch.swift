// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayFolder
import Synchronization

/// Keeps a watcher running on the folder and passes on where to look.
final class FolderWatch: Sendable {
    /// How well the folder is watched, for people.
    struct Status: Sendable {
        /// Directories that cannot be watched and are looked through now and then instead.
        var polled = 0
        /// How often there was more to tell than could be told.
        var overflows = 0
        /// Why there is no watcher at present.
        var trouble: String?
    }

    private struct State {
        var status = Status()
        var process: WatchProcess?
        var isReady = false
        /// Whether the folder was opened before it was watched, so that changes may have been missed.
        var isLate = false
    }

    private let executable: String
    private let folder: String
    private let logger: Logger
    private let lane: FolderLane
    private let post: @Sendable (AgentInput) -> Void
    private let onRootGone: @Sendable () -> Void
    private let state = Mutex(State())
    private let ready = OneShot<Bool>()
    private let pressure = ProcessorPressure()

    /// A watcher that ran for so long is restarted at once.
    private static let settledAfter = Duration.seconds(10)

    /// `onRootGone` is called when the folder itself seems to have been moved, removed or unmounted.
    init(
        executable: String, folder: String, lane: FolderLane, logger: Logger,
        post: @escaping @Sendable (AgentInput) -> Void, onRootGone: @escaping @Sendable () -> Void
    ) {
        self.lane = lane
        self.executable = executable
        self.folder = folder
        self.logger = logger
        self.post = post
        self.onRootGone = onRootGone
    }

    var status: Status { state.withLock { $0.status } }

    /// Returns once the folder is watched, or it is clear that it will not be soon.
    func waitUntilReady() async {
        _ = await withDeadline(seconds: 5) { [ready] in await ready.wait() }
        state.withLock { state in
            guard !state.isReady else { return }
            state.isLate = true
            state.status.trouble = state.status.trouble ?? "the watcher is still getting ready"
        }
    }

    /// Watches until the task is cancelled; a watcher that ends is started again.
    func run() async {
        var backoff = Backoff(first: .milliseconds(200), limit: .seconds(30))
        while !Task.isCancelled {
            let begin = ContinuousClock.now
            let reason = await watchOnce()
            if Task.isCancelled { break }
            ready.set(false)
            note(trouble: reason)
            if ContinuousClock.now - begin > Self.settledAfter { backoff.reset() }
            await pause(backoff.next())
        }
    }

    /// Runs one watcher to its end; says why it ended.
    private func watchOnce() async -> String {
        let process = WatchProcess(executable: executable, folder: folder)
        state.withLock { $0.process = process }
        let (rootGone, ended) = (OneShot<String>(), OneShot<String>())
        process.start { [self] event in
            take(event)
            switch event {
            case .rootGone(let text): rootGone.set(text)
            case .ended(let text): ended.set(text)
            case .ready, .hints, .overflow, .polling: break
            }
            return .taken
        }
        let reason = await ended.wait()
        process.stop()
        state.withLock { $0.process = nil }
        return rootGone.value ?? reason ?? "the watcher ended"
    }

    /// Takes in what the watcher tells, on the thread that reads it: nothing that comes from there has to
    /// wait for another thread.
    private func take(_ event: WatchEvent) {
        switch event {
        case .ready: becomeReady()
        case .hints(let hints): lane.filter(tempered(hints)) { [post] in post(.hints($0)) }
        case .overflow:
            state.withLock { $0.status.overflows += 1 }
            logger.notice("too many changes at once, looking through the whole folder")
            post(.rescan)
        case .polling(let directories): note(polled: directories.count)
        case .rootGone: onRootGone()
        case .ended: break
        }
    }

    /// On a machine where programs wait for each other, whoever deletes many files may have been interrupted
    /// after the first: a deletion is then no reason to conclude anything early.
    private func tempered(_ hints: [Hint]) -> [Hint] {
        guard hints.contains(where: \.isDeletion), pressure.isHigh else { return hints }
        return hints.map { hint in
            if case .deleted(let path) = hint { .entry(path, writing: false) } else { hint }
        }
    }

    private func becomeReady() {
        let mayHaveMissed = state.withLock { state in
            defer {
                state.status.trouble = nil
                state.isReady = true
                state.isLate = false
            }
            return state.status.trouble != nil || state.isLate
        }
        // What happened while nobody watched.
        if mayHaveMissed { post(.rescan) }
        ready.set(true)
    }

    private func note(trouble: String) {
        let isNews = state.withLock { state in
            defer {
                state.status.trouble = trouble
                state.status.polled = 0
            }
            return state.status.trouble != trouble
        }
        if isNews { logger.error("changes are not noticed at once", metadata: ["reason": "\(trouble)"]) }
    }

    private func note(polled: Int) {
        state.withLock { $0.status.polled = polled }
        guard polled > 0 else { return }
        logger.warning(
            "directories cannot be watched and are polled", metadata: ["directories": "\(polled)"])
    }
}

extension Hint {
    fileprivate var isDeletion: Bool { if case .deleted = self { true } else { false } }
}
