// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A value that is set once and that any number of tasks wait for.
final class OneShot<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0
    }
    private let state = Mutex(State())

    /// The value, if it is set.
    var value: Value? { state.withLock { $0.value } }

    /// Sets the value, unless it is set already; says whether it did.
    @discardableResult func set(_ value: Value) -> Bool {
        let waiters: [CheckedContinuation<Void, Never>]? = state.withLock { state in
            guard state.value == nil else { return nil }
            state.value = value
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters ?? [] { waiter.resume() }
        return waiters != nil
    }

    /// The value once it is set; nil if the task is cancelled before.
    func wait() async -> Value? {
        let ticket = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustResume = state.withLock { state in
                    if state.value != nil || Task.isCancelled { return true }
                    state.waiters[ticket] = continuation
                    return false
                }
                if mustResume { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume()
        }
        return value
    }
}
