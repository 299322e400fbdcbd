// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A point in time as a file system keeps it: seconds since 1970 (UTC) and nanoseconds 0 to 999,999,999.
package struct Timestamp: Hashable, Sendable, Comparable {
    package var seconds: Int64
    package var nanoseconds: UInt32

    package init(seconds: Int64, nanoseconds: UInt32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    package static let zero = Timestamp(seconds: 0, nanoseconds: 0)

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}

/// Milliseconds on a clock that only goes forward; the engines are told it and never read one.
package struct Instant: Hashable, Sendable, Comparable {
    package var milliseconds: Int64
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }
    package static func + (instant: Instant, milliseconds: Int64) -> Instant {
        Instant(milliseconds: instant.milliseconds &+ milliseconds)
    }
}
