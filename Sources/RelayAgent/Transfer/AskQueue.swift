// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization

/// The hub's requests on one connection that are not answered yet, in turns.
final class AskQueue: Sendable {
    private struct State {
        var asks: [ContentProvider.Ask] = []
        var cancelled: Set<UInt32> = []
        /// Requests that are queued or being answered.
        var open: Set<UInt32> = []
    }
    private let state = Mutex(State())
    private let count = Permits.counting()
    private let room = Permits(TransferLimits.waitingAsks)

    /// Adds a request; waits while too many are queued. False when the task is cancelled.
    func add(_ ask: ContentProvider.Ask) async -> Bool {
        guard await room.take(1) else { return false }
        state.withLock { state in
            state.asks.append(ask)
            state.open.insert(ask.request)
        }
        count.giveBack(1)
        return true
    }

    /// The rest of a request gets its turn after all others.
    func putBack(_ ask: ContentProvider.Ask) {
        state.withLock { $0.asks.append(ask) }
        count.giveBack(1)
    }

    /// The request was answered.
    func finish(_ ask: ContentProvider.Ask) {
        state.withLock { state in
            state.open.remove(ask.request)
            state.cancelled.remove(ask.request)
        }
        room.giveBack(1)
    }

    /// The hub needs no more answers to the request.
    func cancel(_ request: UInt32) {
        state.withLock { state in
            if state.open.contains(request) { state.cancelled.insert(request) }
        }
    }

    /// The next request to work on; nil when the task is cancelled.
    func next() async -> ContentProvider.Ask? {
        while await count.take(1) {
            let (ask, isCancelled) = state.withLock { state in
                guard !state.asks.isEmpty else { return (nil as ContentProvider.Ask?, false) }
                let ask = state.asks.removeFirst()
                return (ask, state.cancelled.contains(ask.request))
            }
            guard let ask else { continue }
            if !isCancelled { return ask }
            finish(ask)
        }
        return nil
    }
}
