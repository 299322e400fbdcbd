// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The frames that came and were not taken yet: filled by the connection's event loop, emptied by one task.
/// Short ones may be handled without getting here, where nothing came before them.
///
/// The loop stops reading from the network when the inbox is full, and is told when it may go on.
final class Inbox: Sendable {
    private struct Guarded {
        var frames = CircularBuffer<Frame>()
        var weight = 0
        /// Whether the loop was told to stop, and not yet to go on.
        var isFull = false
        /// What the taker gets once `frames` is empty: an error, or nil for the end.
        var end: WireError??
        var waiter: CheckedContinuation<Void, Never>?
        /// Handles a frame where it came in; false if it cannot.
        var direct: (@Sendable (Frame) -> Bool)?
    }

    /// How many bytes of chunks came, those of an unfinished frame included. Written by the loop alone.
    let chunkBytes = Atomic<UInt64>(0)

    private let guarded = Mutex(Guarded())
    private let limitWeight: Int
    private let limitCount: Int

    init(limitWeight: Int, limitCount: Int) {
        self.limitWeight = limitWeight
        self.limitCount = limitCount
    }

    /// How many frames wait to be taken.
    var count: Int { guarded.withLock { $0.frames.count } }

    /// Longer frames always wait for the task.
    private static let directWeight = 32 << 10

    /// Has `handle` tried on short frames that come while a task waits for them.
    func receiveDirectly(_ handle: @escaping @Sendable (Frame) -> Bool) {
        guarded.withLock { $0.direct = handle }
    }

    /// How many of these frames, from the first on, were handled at once.
    ///
    /// While a task waits, only the loop can put something before them, and the loop is busy here.
    private func handleDirectly(_ frames: [Frame]) -> Int {
        let direct = guarded.withLock { state in
            state.waiter != nil && state.frames.isEmpty && state.end == nil ? state.direct : nil
        }
        guard let direct else { return 0 }
        var handled = 0
        for frame in frames {
            guard frame.weight <= Self.directWeight, direct(frame) else { break }
            handled += 1
        }
        return handled
    }

    /// Adds frames. True: the inbox is full, and reading must stop until a `take` says to go on.
    func push(_ all: [Frame]) -> Bool {
        let frames = all.dropFirst(handleDirectly(all))
        guard !frames.isEmpty else { return false }
        let (waiter, isFull) = guarded.withLock { state in
            guard state.end == nil else { return (takeWaiter(&state), false) }
            for frame in frames {
                state.frames.append(frame)
                state.weight += frame.weight
            }
            if state.weight >= limitWeight || state.frames.count >= limitCount { state.isFull = true }
            return (takeWaiter(&state), state.isFull)
        }
        waiter?.resume()
        return isFull
    }

    /// No more frames come; the first call counts. With `discarding`, those that wait are dropped.
    func finish(_ error: WireError?, discarding: Bool = false) {
        let waiter = guarded.withLock { state in
            if discarding {
                state.frames.removeAll()
                state.weight = 0
            }
            if state.end == nil { state.end = .some(error) }
            return takeWaiter(&state)
        }
        waiter?.resume()
    }

    enum Taken {
        /// At least one frame. `mayRead`: reading was stopped and may go on.
        case frames([Frame], mayRead: Bool)
        case end(WireError?)
        case cancelled
    }

    /// Waits for at least one frame and takes up to `limit`. One task at a time.
    func take(limit: Int) async -> Taken {
        while true {
            if let taken = guarded.withLock({ takeNow(&$0, limit) }) { return taken }
            if Task.isCancelled { return .cancelled }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let now = guarded.withLock { state in
                        precondition(state.waiter == nil, "two tasks wait for messages of one connection")
                        guard state.frames.isEmpty, state.end == nil, !Task.isCancelled else { return true }
                        state.waiter = continuation
                        return false
                    }
                    if now { continuation.resume() }
                }
            } onCancel: {
                guarded.withLock { takeWaiter(&$0) }?.resume()
            }
        }
    }

    private func takeNow(_ state: inout Guarded, _ limit: Int) -> Taken? {
        guard !state.frames.isEmpty else { return state.end.map { .end($0) } }
        var frames: [Frame] = []
        let count = min(limit, state.frames.count)
        frames.reserveCapacity(count)
        for _ in 0..<count {
            let frame = state.frames.removeFirst()
            state.weight -= frame.weight
            frames.append(frame)
        }
        let mayRead =
            state.isFull && state.weight <= limitWeight / 2 && state.frames.count <= limitCount / 2
        if mayRead { state.isFull = false }
        return .frames(frames, mayRead: mayRead)
    }

    private func takeWaiter(_ state: inout Guarded) -> CheckedContinuation<Void, Never>? {
        defer { state.waiter = nil }
        return state.waiter
    }
}
