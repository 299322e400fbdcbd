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

extension Timestamp {
    private static let limitNanoseconds: UInt32 = 1_000_000_000

    /// Seconds since 1970 with nine decimals, as in `1700000000.000000001`; before 1970 with a minus.
    package var decimalText: String {
        guard seconds < 0, nanoseconds > 0 else { return "\(seconds).\(Self.nineDigits(nanoseconds))" }
        let whole = seconds + 1
        return "\(whole == 0 ? "-0" : "\(whole)").\(Self.nineDigits(Self.limitNanoseconds - nanoseconds))"
    }

    /// Reads seconds with up to nine decimals; nil for anything else.
    package init?(decimalText text: some StringProtocol) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let whole = Int64(first) else { return nil }
        var fraction: UInt32 = 0
        if parts.count == 2 {
            let digits = parts[1]
            guard (1...9).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) })
            else { return nil }
            let padded = String(digits) + String(repeating: "0", count: 9 - digits.utf8.count)
            fraction = UInt32(padded) ?? 0
        }
        guard first.hasPrefix("-"), fraction > 0 else {
            self.init(seconds: whole, nanoseconds: fraction)
            return
        }
        let (seconds, overflow) = whole.subtractingReportingOverflow(1)
        guard !overflow else { return nil }
        self.init(seconds: seconds, nanoseconds: Self.limitNanoseconds - fraction)
    }

    private static func nineDigits(_ number: UInt32) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 9 - digits.utf8.count)) + digits
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
