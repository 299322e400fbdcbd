// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Passes elements from one producer to one consumer, one at a time: `send` returns when the element was
/// taken, so the producer is never ahead by more than one.
///
/// Either side may end it; whoever waits then is woken. A cancelled task ends it for both.
final class Handoff<Element: Sendable>: Sendable {
    private enum State {
        /// Nobody waits. Leaves to all others.
        case idle
        /// The producer waits with its element. Leaves to idle (taken), ended.
        case offered(Element, CheckedContinuation<Void, any Error>)
        /// The consumer waits. Leaves to idle (sent), ended.
        case awaited(CheckedContinuation<Element?, any Error>)
        /// Final; without an error the producer had no more elements.
        case ended((any Error)?)
    }

    private let state = Mutex(State.idle)

    /// Offers one element and waits until it was taken.
    func send(_ element: Element) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (producer: CheckedContinuation<Void, any Error>) in
                let wake: (() -> Void)? = state.withLock { state in
                    switch state {
                    case .idle:
                        state = .offered(element, producer)
                        return nil
                    case .awaited(let consumer):
                        state = .idle
                        return {
                            consumer.resume(returning: element)
                            producer.resume()
                        }
                    case .offered: preconditionFailure("a handoff has one producer")
                    case .ended(let error): return { producer.resume(throwing: error ?? CancellationError()) }
                    }
                }
                wake?()
            }
        } onCancel: {
            end(CancellationError())
        }
    }

    /// The next element; nil when the producer has no more.
    func next() async throws -> Element? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (consumer: CheckedContinuation<Element?, any Error>) in
                let wake: (() -> Void)? = state.withLock { state in
                    switch state {
                    case .idle:
                        state = .awaited(consumer)
                        return nil
                    case .offered(let element, let producer):
                        state = .idle
                        return {
                            producer.resume()
                            consumer.resume(returning: element)
                        }
                    case .awaited: preconditionFailure("a handoff has one consumer")
                    case .ended(let error?): return { consumer.resume(throwing: error) }
                    case .ended(nil): return { consumer.resume(returning: nil) }
                    }
                }
                wake?()
            }
        } onCancel: {
            end(CancellationError())
        }
    }

    /// Ends it, by the first call only: the consumer gets nil, or the error if there is one.
    func end(_ error: (any Error)? = nil) {
        let wake: (() -> Void)? = state.withLock { state in
            let before = state
            switch before {
            case .idle:
                state = .ended(error)
                return nil
            case .offered(_, let producer):
                state = .ended(error)
                return { producer.resume(throwing: error ?? CancellationError()) }
            case .awaited(let consumer):
                state = .ended(error)
                return {
                    if let error { consumer.resume(throwing: error) } else { consumer.resume(returning: nil) }
                }
            case .ended: return nil
            }
        }
        wake?()
    }
}
