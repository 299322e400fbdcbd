// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The buffers on their way to the network: filled by any task, emptied by the connection's event loop.
///
/// Bytes count until the operating system has taken them. Tasks wait while too many do.
final class Outbox: Sendable {
    private struct Guarded {
        var buffers: [ByteBuffer] = []
        /// Bytes in `buffers` and bytes that the loop has and the operating system has not.
        var pendingBytes = 0
        /// Whether the loop was called and did not come yet.
        var isLoopCalled = false
        var end: WireError?
        var nextWaiter: UInt64 = 0
        var waiters: [(number: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let guarded = Mutex(Guarded())
    private let limitBytes: Int

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    /// Bytes that the operating system has not taken yet.
    var pendingBytes: Int { guarded.withLock { $0.pendingBytes } }

    var hasRoom: Bool { guarded.withLock { $0.pendingBytes < limitBytes } }

    /// Adds buffers, which are written one after the other. True: the loop must be called to `drain`.
    func add(_ buffers: [ByteBuffer], byteCount: Int) throws(WireError) -> Bool {
        let result: Result<Bool, WireError> = guarded.withLock { state in
            if let end = state.end { return .failure(end) }
            state.buffers += buffers
            state.pendingBytes += byteCount
            defer { state.isLoopCalled = true }
            return .success(!state.isLoopCalled)
        }
        return try result.get()
    }

    /// What is to be written now, for the loop.
    func drain() -> [ByteBuffer] {
        guarded.withLock { state in
            state.isLoopCalled = false
            defer { state.buffers = [] }
            return state.buffers
        }
    }

    /// The operating system took this many bytes.
    func written(_ byteCount: Int) {
        let waiters = guarded.withLock { state in
            state.pendingBytes -= byteCount
            return state.pendingBytes <= limitBytes / 2 ? takeWaiters(&state) : []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Nothing more is taken; the first call counts.
    func finish(_ error: WireError) {
        let waiters = guarded.withLock { state in
            if state.end == nil { state.end = error }
            return takeWaiters(&state)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until there is room.
    func waitForRoom() async throws(WireError) {
        while true {
            let (hasRoom, end) = guarded.withLock { ($0.pendingBytes < limitBytes, $0.end) }
            if let end { throw end }
            if hasRoom { return }
            if Task.isCancelled { throw .closed }
            await waitForProgress()
        }
    }

    private func waitForProgress() async {
        let number = guarded.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = guarded.withLock { state in
                    guard state.pendingBytes >= limitBytes, state.end == nil, !Task.isCancelled else {
                        return true
                    }
                    state.waiters.append((number, continuation))
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            let waiter = guarded.withLock { state in
                state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume()
        }
    }

    private func takeWaiters(_ state: inout Guarded) -> [CheckedContinuation<Void, Never>] {
        defer { state.waiters = [] }
        return state.waiters.map(\.continuation)
    }
}
