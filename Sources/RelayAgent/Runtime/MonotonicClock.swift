// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

/// The clocks that the engine is told.
enum MonotonicClock {
    /// Milliseconds since the machine started, sleep included.
    static func now() -> Instant {
        let time = read(CLOCK_BOOTTIME)
        return Instant(milliseconds: time.seconds &* 1000 &+ Int64(time.nanoseconds / 1_000_000))
    }

    /// The time of day.
    static func wallClock() -> Timestamp { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> Timestamp {
        var time = timespec()
        // Fails for unknown clocks only.
        clock_gettime(clock, &time)
        return Timestamp(
            seconds: Int64(time.tv_sec), nanoseconds: UInt32(clamping: min(max(time.tv_nsec, 0), 999_999_999))
        )
    }
}
