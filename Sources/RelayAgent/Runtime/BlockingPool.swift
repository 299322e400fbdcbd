// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Runs work that blocks on at most `width` threads, first come, first served.
final class BlockingPool: Sendable {
    private struct State {
        var pending: [@Sendable () -> Void] = []
        var taken = 0
        var running = 0
    }
    private let width: Int
    private let queue: DispatchQueue
    private let state = Mutex(State())

    init(label: String, width: Int) {
        self.width = width
        queue = DispatchQueue(label: label, qos: .userInitiated, attributes: .concurrent)
    }

    /// Runs the body on some thread of the pool.
    func submit(_ body: @escaping @Sendable () -> Void) {
        let mustStart = state.withLock { state in
            state.pending.append(body)
            guard state.running < width else { return false }
            state.running += 1
            return true
        }
        if mustStart { queue.async { self.drain() } }
    }

    /// Runs the body on some thread of the pool and returns what it returns.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            submit { continuation.resume(returning: body()) }
        }
    }

    /// Runs the body on some thread of the pool and returns or throws what it does.
    func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await run { () -> Result<Value, Failure> in
            do throws(Failure) { return .success(try body()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func drain() {
        while let body = takeFirst() { body() }
    }

    private func takeFirst() -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard state.taken < state.pending.count else {
                state.pending.removeAll(keepingCapacity: state.pending.capacity < 1024)
                state.taken = 0
                state.running -= 1
                return nil
            }
            let body = state.pending[state.taken]
            state.taken += 1
            if state.taken > 1024, state.taken * 2 > state.pending.count {
                state.pending.removeFirst(state.taken)
                state.taken = 0
            }
            return body
        }
    }
}
