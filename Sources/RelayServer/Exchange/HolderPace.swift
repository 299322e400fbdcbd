// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// How much a holder is asked for at a time: what it delivers in a few seconds, so that what it was asked for
/// comes in time, and what is taken back does not hold up what is asked for next.
struct HolderPace {
    /// The most bytes, before compression, that the holder is to be asked for.
    private(set) var windowBytes: Int
    private let limitBytes: Int
    private var periodStart: Instant
    private var periodBytes = 0

    private static let firstBytes = 1 << 20
    private static let leastBytes = 128 << 10
    /// How long what was asked for may take.
    private static let aheadMilliseconds: Int64 = 4000

    init(limitBytes: Int, now: Instant) {
        windowBytes = min(limitBytes, Self.firstBytes)
        self.limitBytes = limitBytes
        periodStart = now
    }

    /// The holder is asked for something after it had nothing to do.
    mutating func begin(_ now: Instant) {
        periodStart = now
        periodBytes = 0
    }

    /// The holder delivered bytes that it was asked for.
    mutating func noteDelivered(_ bytes: Int, _ now: Instant) {
        periodBytes += bytes
        let elapsed = max(1, now.milliseconds - periodStart.milliseconds)
        if periodBytes >= windowBytes, elapsed < Self.aheadMilliseconds {
            windowBytes = min(limitBytes, windowBytes * 2)
        } else if elapsed >= Self.aheadMilliseconds / 2 {
            let bytesAhead = Int64(periodBytes) * Self.aheadMilliseconds / elapsed
            windowBytes = min(limitBytes, windowBytes * 2, max(Self.leastBytes, Int(clamping: bytesAhead)))
        } else {
            return
        }
        begin(now)
    }
}
