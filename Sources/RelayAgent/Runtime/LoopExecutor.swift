// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Runs an actor on a thread of its own queue, so that it may block without holding up other actors.
final class LoopExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) {
        queue = DispatchQueue(label: label, qos: .userInitiated)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }

    /// Runs the body after everything that was enqueued before.
    func async(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }

    /// Runs the body at this time of `MonotonicClock`, at the earliest.
    func makeTimer(_ body: @escaping @Sendable () -> Void) -> LoopTimer { LoopTimer(queue: queue, body) }
}

/// One timer on a loop's queue; setting it anew replaces the time that was set before.
final class LoopTimer: Sendable {
    // Dispatch sources may be used from any thread.
    private nonisolated(unsafe) let source: any DispatchSourceTimer

    init(queue: DispatchQueue, _ body: @escaping @Sendable () -> Void) {
        source = DispatchSource.makeTimerSource(queue: queue)
        source.setEventHandler(handler: body)
        source.schedule(deadline: .distantFuture)
        source.activate()
    }

    deinit { source.cancel() }

    func fire(afterMilliseconds delay: Int64) {
        let delay = Int(clamping: max(0, min(delay, 86_400_000)))
        source.schedule(deadline: .now() + .milliseconds(delay), leeway: .milliseconds(0))
    }
}
