// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A value that one task waits for and that is given once: the first to give it wins.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        /// Legal exits: `waiting`, `given`.
        case fresh
        /// Legal exit: `given`.
        case waiting(CheckedContinuation<Value, Never>)
        case given(Value)
    }

    private let state = Mutex<State>(.fresh)

    /// Waits for the value. Only one task may wait.
    func value() async -> Value {
        await withCheckedContinuation { continuation in
            let given: Value? = state.withLock { state in
                switch state {
                case .given(let value): return value
                case .fresh:
                    state = .waiting(continuation)
                    return nil
                case .waiting: preconditionFailure("two tasks wait for one value")
                }
            }
            if let given { continuation.resume(returning: given) }
        }
    }

    /// Gives the value; false if it was given before.
    @discardableResult
    func give(_ value: Value) -> Bool {
        let (isFirst, waiting): (Bool, CheckedContinuation<Value, Never>?) = state.withLock { state in
            switch state {
            case .given: return (false, nil)
            case .fresh:
                state = .given(value)
                return (true, nil)
            case .waiting(let continuation):
                state = .given(value)
                return (true, continuation)
            }
        }
        waiting?.resume(returning: value)
        return isFirst
    }
}
