// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// How often something happened within the last minute, to the second.
struct RecentCount {
    private var seconds: [(second: Int64, count: Int)] = []

    mutating func note(_ now: Instant) {
        let second = now.milliseconds / 1000
        if seconds.last?.second == second {
            seconds[seconds.count - 1].count += 1
        } else {
            _ = total(now)
            seconds.append((second, 1))
        }
    }

    mutating func total(_ now: Instant) -> Int {
        let second = now.milliseconds / 1000
        seconds.removeAll { $0.second + 60 < second }
        return seconds.reduce(0) { $0 + $1.count }
    }

    mutating func reset() { seconds = [] }
}
