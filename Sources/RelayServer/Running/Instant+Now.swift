// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

extension Instant {
    /// The time on the clock that goes on while the machine runs.
    static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

/// Seconds since 1970.
func wallClockSeconds() -> Int64 { Int64(time(nil)) }
