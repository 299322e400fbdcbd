// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Decides when to send a sign of life and when to take the peer for dead. Is told the time, never reads it.
struct Heartbeat {
    enum Verdict: Hashable {
        case fine
        case ping
        /// Nothing was heard for too long.
        case silent
        /// The peer is alive, but takes nothing of what is sent.
        case stalled
    }

    /// How long silence may last before a ping.
    var interval: TimeAmount
    /// How many intervals nothing may be taken.
    let stalledIntervals: Int

    private var heard: NIODeadline
    private var sent: NIODeadline
    private var progressed: NIODeadline
    private var asked: NIODeadline

    /// How many intervals nothing may be heard.
    static let silentIntervals = 3

    init(interval: TimeAmount, stalledIntervals: Int, now: NIODeadline) {
        self.interval = interval
        self.stalledIntervals = stalledIntervals
        heard = now
        sent = now
        progressed = now
        asked = now
    }

    /// The connection is open from now on.
    mutating func begin(_ now: NIODeadline) {
        heard = now
        sent = now
        progressed = now
        asked = now
    }

    /// How often to ask for a verdict.
    var checkInterval: TimeAmount { .nanoseconds(max(1_000_000, interval.nanoseconds / 4)) }

    /// Bytes came, or reading goes on after a pause of our own.
    mutating func noteHeard(_ now: NIODeadline) { heard = now }

    /// Bytes are handed to the network; `wasIdle`: nothing was on its way before.
    mutating func noteSent(_ now: NIODeadline, wasIdle: Bool) {
        sent = now
        if wasIdle { progressed = now }
    }

    /// The operating system took bytes.
    mutating func noteProgress(_ now: NIODeadline) { progressed = now }

    /// `isReading`: the network is being read from, so that silence is the peer's. `isSending`: bytes are on
    /// their way, so that no ping is needed.
    mutating func verdict(_ now: NIODeadline, isReading: Bool, isSending: Bool) -> Verdict {
        // Asked far too late: it was this side that stood still, and what came meanwhile is still to be read.
        if now > asked + checkInterval * 4 {
            heard = now
            progressed = now
        }
        asked = now
        if isReading, now >= heard + interval * Self.silentIntervals { return .silent }
        if isSending { return now >= progressed + interval * stalledIntervals ? .stalled : .fine }
        return now >= min(heard, sent) + interval && now >= sent + checkInterval ? .ping : .fine
    }
}
