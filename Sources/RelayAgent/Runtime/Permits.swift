// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A number of permits (bytes, places) that are taken and given back; those who wait are served in order.
final class Permits: Sendable {
    private struct Waiter {
        var ticket: UInt64
        var count: Int
        var continuation: CheckedContinuation<Bool, Never>
    }
    private struct State {
        var available: Int
        var waiters: [Waiter] = []
        var nextTicket: UInt64 = 0
    }
    /// Who asks for more than this is served once so many are free.
    private let most: Int
    private let state: Mutex<State>

    /// All permits are there at first.
    convenience init(_ total: Int) { self.init(available: total, most: total) }

    /// A queue's count of elements: none at first, without a limit.
    static func counting() -> Permits { Permits(available: 0, most: .max) }

    private init(available: Int, most: Int) {
        self.most = most
        state = Mutex(State(available: available))
    }

    /// Takes the permits if they are free and nobody waits for some.
    func tryTake(_ count: Int) -> Bool {
        state.withLock { state in
            guard state.waiters.isEmpty, state.available >= min(count, most) else { return false }
            state.available -= count
            return true
        }
    }

    /// Waits for the permits; false, and nothing taken, if the task is cancelled before.
    func take(_ count: Int) async -> Bool {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    if state.waiters.isEmpty, state.available >= min(count, most) {
                        state.available -= count
                        return true
                    }
                    state.waiters.append(Waiter(ticket: ticket, count: count, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.waiters.firstIndex(where: { $0.ticket == ticket }) else { return nil }
                return state.waiters.remove(at: index)
            }
            waiter?.continuation.resume(returning: false)
            giveBack(0)
        }
    }

    /// Gives permits back (or, of a queue's count, adds some).
    func giveBack(_ count: Int) {
        let served = state.withLock { state in
            state.available += count
            var served: [Waiter] = []
            while let first = state.waiters.first, state.available >= min(first.count, most) {
                state.available -= first.count
                served.append(state.waiters.removeFirst())
            }
            return served
        }
        for waiter in served { waiter.continuation.resume(returning: true) }
    }
}
