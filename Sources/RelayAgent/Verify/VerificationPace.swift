// SPDX-License-Identifier: Apache-2.0

/// How much of the time a verification works.
struct VerificationPace: Sendable {
    /// How long to rest after work, in multiples of the work's time.
    private let restFactor: Double
    /// How many entries that seem to differ are collected before they are looked at again.
    let suspects: Int

    var rests: Bool { restFactor > 0 }

    /// For somebody who waits for the result.
    static let full = VerificationPace(restFactor: 0, suspects: 5000)
    /// In the background: a twentieth of the time of one thread.
    static let gentle = VerificationPace(restFactor: 19, suspects: 1)

    /// Runs the body and rests afterwards.
    func work<Value>(_ body: () async -> Value) async -> Value {
        let begin = ContinuousClock.now
        let value = await body()
        if rests, !Task.isCancelled {
            await pause((ContinuousClock.now - begin) * restFactor)
        }
        return value
    }
}
