// SPDX-License-Identifier: Apache-2.0

/// Runs the body, and cancels it when its time is over. Nil: it was cancelled before it had a value.
func withDeadline<Value: Sendable>(
    seconds: Double?, _ body: @escaping @Sendable () async -> Value?
) async -> Value? {
    guard let seconds else { return await body() }
    return await withTaskGroup(of: Value?.self) { group in
        group.addTask { await body() }
        group.addTask {
            // The deadline itself; it is cancelled when the body is done.
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

/// Sleeps, between attempts of what nobody announces; returns early when the task is cancelled.
func pause(_ duration: Duration) async { try? await Task.sleep(for: duration) }
