// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Runs the body, and cancels it when its time is over. Nil: it was cancelled before it had a value.
func withDeadline<Value: Sendable>(
    seconds: Double?, _ body: @escaping @Sendable () async -> Value?
) async -> Value? {
    guard let seconds else { return await body() }
    return await withTaskGroup(of: Value?.self) { group in
        group.addTask { await body() }
        group.addTask {
            await waitForDeadline(seconds: max(0, min(seconds, 1e9)))
            return nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        guard first == nil else { return first }
        // The body may have finished in the moment in which its time ended.
        for await value in group where value != nil { return value }
        return nil
    }
}

/// Returns after so long, or when the task is cancelled.
///
/// A cancelled `Task.sleep` returns too, and leaves its timer until that would have been due: about two
/// kilobytes each, and a fetch of many contents waits for answers thousands of times a minute.
private func waitForDeadline(seconds: Double) async {
    let isOver = OneShot<Bool>()
    let timer = DispatchSource.makeTimerSource(queue: .global())
    timer.setEventHandler { isOver.set(true) }
    timer.schedule(deadline: .now() + seconds)
    timer.resume()
    _ = await isOver.wait()
    timer.cancel()
}

/// Sleeps, between attempts of what nobody announces; returns early when the task is cancelled.
func pause(_ duration: Duration) async { try? await Task.sleep(for: duration) }
