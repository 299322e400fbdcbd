// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tells those who wait that something may have changed.
final class Signal: Sendable {
    private struct State {
        var generation: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var lastTicket: UInt64 = 0
    }
    private let state = Mutex(State())

    /// How often it was fired. To be read before the condition that is waited for is looked at.
    var generation: UInt64 { state.withLock { $0.generation } }

    func fire() {
        let waiters = state.withLock { state in
            state.generation += 1
            guard !state.waiters.isEmpty else { return [] as [CheckedContinuation<Void, Never>] }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once it was fired more often than `generation`, or when the task is cancelled.
    func wait(after generation: UInt64) async {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustResume = state.withLock { state in
                    if state.generation > generation || Task.isCancelled { return true }
                    state.waiters[ticket] = continuation
                    return false
                }
                if mustResume { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume()
        }
    }
}
