// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A queue with one consumer, who takes all that waits at once.
///
/// It has no limit of its own: its producers keep theirs.
final class AsyncQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var consumer: CheckedContinuation<Void, Never>?
        var isFinished = false
    }
    private let state = Mutex(State())

    /// False once the queue is finished; the element is then dropped.
    @discardableResult func append(_ element: Element) -> Bool {
        let (isTaken, consumer) = state.withLock { state in
            guard !state.isFinished else { return (false, nil as CheckedContinuation<Void, Never>?) }
            state.elements.append(element)
            return (true, state.consumer.take())
        }
        consumer?.resume()
        return isTaken
    }

    /// Ends the queue: the consumer gets what is in it, then nil.
    func finish() {
        let consumer = state.withLock { state in
            state.isFinished = true
            return state.consumer.take()
        }
        consumer?.resume()
    }

    /// Everything that waits, at least one element; nil at the queue's end and when the task is cancelled.
    func takeAll() async -> [Element]? {
        while !Task.isCancelled {
            let (elements, isFinished) = state.withLock { state in
                defer { state.elements = [] }
                return (state.elements, state.isFinished)
            }
            if !elements.isEmpty { return elements }
            if isFinished { return nil }
            await waitForMore()
        }
        return nil
    }

    var isEmpty: Bool { state.withLock { $0.elements.isEmpty } }

    /// Everything that waits now, which may be nothing.
    func takeWaiting() -> [Element] {
        state.withLock { state in
            defer { state.elements = [] }
            return state.elements
        }
    }

    private func waitForMore() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustResume = state.withLock { state in
                    if !state.elements.isEmpty || state.isFinished || Task.isCancelled { return true }
                    state.consumer = continuation
                    return false
                }
                if mustResume { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.consumer.take() }?.resume()
        }
    }
}
