// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// The largest of a number's values within the last minute, to the second.
struct RecentPeak {
    private var seconds: [(second: Int64, value: Int)] = []

    mutating func note(_ value: Int, _ now: Instant) {
        let second = now.milliseconds / 1000
        // What is smaller and older is of no account any more.
        while let last = seconds.last, last.value <= value { seconds.removeLast() }
        seconds.append((second, value))
    }

    mutating func maximum(_ now: Instant) -> Int {
        let second = now.milliseconds / 1000
        seconds.removeAll { $0.second + 60 < second }
        return seconds.first?.value ?? 0
    }

    mutating func reset() { seconds = [] }
}
