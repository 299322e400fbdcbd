// SPDX-License-Identifier: Apache-2.0

/// Runs the body, and cancels it when its time is over. Nil: it was cancelled before it had a value.
func withDeadline<Value: Sendable>(
    seconds: Double?, _ body: @escaping @Sendable () async -> Value?
) async -> Value? {
    guard let seconds else { return await body() }
    return await withTaskGroup(of: Value?.self) { group in
        group.addTask { await body() }
        group.addTask {
            try? await Task.sleep(for: .seconds(max(0, min(seconds, 1e9))))
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

/// Sleeps; returns early when the task is cancelled.
func pause(_ duration: Duration) async { try? await Task.sleep(for: duration) }
