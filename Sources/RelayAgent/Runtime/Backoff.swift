// SPDX-License-Identifier: Apache-2.0

/// How long to wait before the next attempt: longer after each failure, spread by chance.
struct Backoff {
    let first: Duration
    let limit: Duration
    private var failures = 0

    init(first: Duration, limit: Duration) {
        self.first = first
        self.limit = limit
    }

    /// The wait after one more failure: `first` doubled for each failure before, up to `limit`, times a
    /// random factor from 0.5 to 1.
    mutating func next() -> Duration {
        let doubled = first * (1 << min(failures, 20))
        failures += 1
        return min(doubled, limit) * Double.random(in: 0.5...1)
    }

    /// Begins anew after a success.
    mutating func reset() { failures = 0 }
}
