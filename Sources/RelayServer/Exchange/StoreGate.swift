// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import Synchronization

/// Whether a share's store takes chunks at present.
///
/// An error of the store closes the gate. While it is closed nothing is written or fetched for the store; a
/// probe tries now and then whether the cause has passed, and opens it. What was missed in between is seen
/// from the index.
final class StoreGate: Sendable {
    private struct State {
        /// Why the gate is closed; nil while it is open.
        var reason: StateError?
        var probeBytes = 0
        /// How soon the next probe follows.
        var delay = firstDelay
        /// The same, should the gate be closed again before anything was stored.
        var nextDelay = firstDelay
        var waiters: [OneShot<Void>] = []
    }

    private let state = Mutex(State())
    private let closings = Mailbox<Void>(limitBytes: .max)
    private let logger: Logger

    private static let firstDelay = Duration.seconds(1)
    private static let lastDelay = Duration.seconds(30)
    /// A disk that has less room than this is as good as full.
    private static let leastBytes = 64 << 10

    init(logger: Logger) { self.logger = logger }

    var isOpen: Bool { reason == nil }

    /// Why the gate is closed; nil while it is open.
    var reason: StateError? { state.withLock { $0.reason } }

    /// The store failed to take so many bytes.
    func close(_ error: StateError, bytes: Int) {
        let isNew = state.withLock { state in
            state.probeBytes = max(bytes, Self.leastBytes)
            guard state.reason == nil else { return false }
            state.reason = error
            state.delay = state.nextDelay
            state.nextDelay = min(state.nextDelay * 2, Self.lastDelay)
            return true
        }
        guard isNew else { return }
        logger.error("contents cannot be kept for now, trying on", metadata: ["error": "\(error)"])
        closings.put(())
    }

    /// Something was stored: the next failure is a first one.
    func noteStored() { state.withLock { $0.nextDelay = Self.firstDelay } }

    /// Waits while the gate is closed, or until the task is cancelled.
    func waitUntilOpen() async {
        while !Task.isCancelled {
            let opened = OneShot<Void>()
            let isOpen = state.withLock { state in
                if state.reason != nil { state.waiters.append(opened) }
                return state.reason == nil
            }
            if isOpen { return }
            await withTaskCancellationHandler {
                await opened.value()
            } onCancel: {
                opened.give(())
            }
        }
    }

    /// Opens the gate again whenever a probe of so many bytes passes; then tells so. Until the task is
    /// cancelled.
    func run(
        probe: (_ bytes: Int) async throws(StateError) -> Void, opened: () async -> Void
    ) async {
        while !(await closings.take(limitBytes: 0)).isEmpty {
            while !isOpen, !Task.isCancelled {
                let (delay, bytes) = state.withLock { ($0.delay, $0.probeBytes) }
                // Nobody tells when a disk has room again; each probe that fails doubles the delay.
                try? await Task.sleep(for: delay)
                do throws(StateError) {
                    try await probe(bytes)
                } catch {
                    state.withLock { $0.reason = error }
                    continue
                }
                open()
                await opened()
            }
        }
    }

    private func open() {
        let waiters = state.withLock { state in
            state.reason = nil
            defer { state.waiters = [] }
            return state.waiters
        }
        logger.info("contents are kept again")
        for waiter in waiters { waiter.give(()) }
    }
}
