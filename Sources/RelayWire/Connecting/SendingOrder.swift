// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Keeps the messages of a connection in order that are sent partly by whoever has them, partly by a task.
///
/// A small message goes out at once, on the caller's thread: waking a task for it would take longer than
/// sending it. What is large, or comes while something else waits, waits in a queue of the owner's.
package final class SendingOrder: Sendable {
    /// Longer messages are queued.
    private static let directBytes = 32 << 10

    private enum State {
        /// Nothing waits. Exits: `queueing`, `closed`.
        case direct
        /// Something is in the queue, or was taken from it and is not sent yet. Exits: `direct`, `closed`.
        case queueing
        /// The queue takes nothing more, and neither does the connection: what is dropped has no successor.
        case closed
    }
    private let state = Mutex(State.direct)

    package init() {}

    /// Sends the message, or calls `queue` with the order held. `bytes`: about how long it is. False if it is
    /// not sent any more, or `queue` says so.
    @discardableResult package func send<Inbound, Outbound>(
        _ message: Outbound, bytes: Int, on connection: WireConnection<Inbound, Outbound>, queue: () -> Bool
    ) -> Bool {
        state.withLock { state in
            if state == .closed { return false }
            if state == .direct, bytes <= Self.directBytes, connection.sendNow(message) { return true }
            state = .queueing
            return queue()
        }
    }

    /// Nothing more is sent than what is queued; `finish` ends the queue.
    package func close(finish: () -> Void) {
        state.withLock { state in
            state = .closed
            finish()
        }
    }

    /// To be called when all that was taken from the queue is sent.
    package func sent(isQueueEmpty: () -> Bool) {
        state.withLock { state in
            if state == .queueing, isQueueEmpty() { state = .direct }
        }
    }
}
