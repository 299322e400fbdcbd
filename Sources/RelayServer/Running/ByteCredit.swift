// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many bytes of contents are in memory on behalf of all connections, so that each may hold less when
/// they hold much together.
final class BufferGauge: Sendable {
    private let used = Atomic<Int>(0)
    private let limitBytes: Int

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    var isTight: Bool { used.load(ordering: .relaxed) >= limitBytes }
    func add(_ bytes: Int) { used.wrappingAdd(bytes, ordering: .relaxed) }
    func subtract(_ bytes: Int) { used.wrappingSubtract(bytes, ordering: .relaxed) }
}

/// The bytes that one party (a connection, the store) may have under way: taken before a chunk is read or
/// asked for, given back when it was written. Takers are served in order.
final class ByteCredit: Sendable {
    private struct State {
        var used = 0
        var waiters = Fifo<(bytes: Int, granted: OneShot<Bool>)>()
    }

    private let limitBytes: Int
    private let tightLimitBytes: Int
    private let gauge: BufferGauge
    private let state = Mutex(State())

    /// `tightLimitBytes` holds while the gauge says that all hold too much together.
    init(limitBytes: Int, tightLimitBytes: Int, gauge: BufferGauge) {
        self.limitBytes = limitBytes
        self.tightLimitBytes = tightLimitBytes
        self.gauge = gauge
    }

    deinit { gauge.subtract(state.withLock { $0.used }) }

    /// Waits until so many bytes may be under way; whoever has none under way never waits for room. False,
    /// with nothing taken, when the task is cancelled.
    func take(_ bytes: Int) async -> Bool {
        guard !Task.isCancelled else { return false }
        let granted = OneShot<Bool>()
        state.withLock { state in
            state.waiters.append((bytes, granted))
            grant(&state)
        }
        return await withTaskCancellationHandler {
            await granted.value()
        } onCancel: {
            granted.give(false)
        }
    }

    func giveBack(_ bytes: Int) {
        gauge.subtract(bytes)
        state.withLock { state in
            state.used -= bytes
            grant(&state)
        }
    }

    private func grant(_ state: inout State) {
        let limit = gauge.isTight ? tightLimitBytes : limitBytes
        while let next = state.waiters.first, state.used == 0 || state.used + next.bytes <= limit {
            _ = state.waiters.popFirst()
            // A taker that was cancelled gets nothing.
            guard next.granted.give(true) else { continue }
            state.used += next.bytes
            gauge.add(next.bytes)
        }
    }
}
