// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// A thread beside the few that all tests share, which a simulation would hold up for minutes.
private let queue = DispatchQueue(label: "simulation", qos: .utility)

/// Runs the body there, one at a time, and returns what it returns.
func apart<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: body()) } }
}
