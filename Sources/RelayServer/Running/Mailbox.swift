// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What waits to be carried out by other tasks: messages to be written, chunks to be stored. Putting in never
/// waits; whoever puts in keeps to bounds of its own, or asks `waitForRoom` first.
final class Mailbox<Element: Sendable>: Sendable {
    struct Entry: Sendable {
        var element: Element
        var bytes: Int
    }

    private struct State {
        var entries = Fifo<Entry>()
        var queuedBytes = 0
        var isFinished = false
        var takers = Fifo<OneShot<Void>>()
        var waiters: [OneShot<Void>] = []
    }

    private let limitBytes: Int
    private let state = Mutex(State())

    /// Above so many bytes `waitForRoom` waits.
    init(limitBytes: Int) { self.limitBytes = limitBytes }

    var isEmpty: Bool { state.withLock { $0.entries.isEmpty } }
    /// Whether `waitForRoom` would not wait.
    var hasRoom: Bool { state.withLock { $0.isFinished || $0.queuedBytes <= limitBytes } }
    var queuedBytes: Int { state.withLock { $0.queuedBytes } }

    /// Puts an element at the end; false when the mailbox is finished.
    @discardableResult
    func put(_ element: Element, bytes: Int = 0) -> Bool {
        state.withLock { state in
            guard !state.isFinished else { return false }
            state.entries.append(Entry(element: element, bytes: bytes))
            state.queuedBytes += bytes
            // A taker that was cancelled is passed over.
            while let taker = state.takers.popFirst(), !taker.give(()) {}
            return true
        }
    }

    /// Takes entries from the front, at least one and no more than about so many bytes. Waits for the first;
    /// none: the mailbox is finished and empty, or the task was cancelled.
    func take(limitBytes: Int, limit: Int = .max) async -> [Entry] {
        while !Task.isCancelled {
            let ready = OneShot<Void>()
            let taken: [Entry]? = state.withLock { state in
                guard state.entries.isEmpty else { return Self.pop(&state, limitBytes, limit) }
                guard !state.isFinished else { return [] }
                state.takers.append(ready)
                return nil
            }
            if let taken {
                wakeWaiters()
                return taken
            }
            await withTaskCancellationHandler {
                await ready.value()
            } onCancel: {
                ready.give(())
            }
        }
        return []
    }

    private static func pop(_ state: inout State, _ limitBytes: Int, _ limit: Int) -> [Entry] {
        var result: [Entry] = []
        var bytes = 0
        while result.count < limit, let next = state.entries.first,
            result.isEmpty || bytes + next.bytes <= limitBytes
        {
            _ = state.entries.popFirst()
            bytes += next.bytes
            result.append(next)
        }
        state.queuedBytes -= bytes
        return result
    }

    /// Returns when no more than the limit is waiting, or the mailbox is finished or the task cancelled.
    func waitForRoom() async {
        while !Task.isCancelled {
            let ready = OneShot<Void>()
            let mustWait = state.withLock { state in
                guard !state.isFinished, state.queuedBytes > limitBytes else { return false }
                state.waiters.append(ready)
                return true
            }
            guard mustWait else { return }
            await withTaskCancellationHandler {
                await ready.value()
            } onCancel: {
                ready.give(())
            }
        }
    }

    /// Takes in no more; what is in can still be taken out.
    func finish() {
        state.withLock { state in
            state.isFinished = true
            for taker in state.takers.popAll() { taker.give(()) }
        }
        wakeWaiters()
    }

    private func wakeWaiters() {
        let waiters: [OneShot<Void>] = state.withLock { state in
            guard state.isFinished || state.queuedBytes <= limitBytes else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.give(()) }
    }
}
