// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// What is kept, beside the replica's trees, of comparisons that were made.
struct VerificationRecord: Equatable, Sendable {
    /// When the last one ended or, if none did yet, when the folder was first served; seconds since 1970.
    var since: Int64
    var hasFinished = false
    /// What the last one found.
    var differences = 0
    /// The node after which the one that is under way goes on; nil: none is.
    var position: NodeID?
    /// What that one has found so far.
    var found = 0
    /// Files that a person has to decide about, at most `limitDamaged`.
    var damaged: [NodeID] = []

    static let limitDamaged = 1000
    /// The setting of the replica that holds it.
    static let key = "verification"
    private static let version = 1

    init(since: Int64) { self.since = since }

    var standing: VerificationStanding {
        VerificationStanding(finished: hasFinished ? "\(since)" : nil, differences: differences)
    }

    /// A comparison of everything has ended.
    mutating func finish(found: Int, damaged: [NodeID], now: Int64) {
        since = now
        hasFinished = true
        differences = found
        self.damaged = Array(damaged.prefix(Self.limitDamaged))
        position = nil
        self.found = 0
    }

    /// How long to wait before the next comparison begins, or the one that was interrupted goes on.
    func delay(now: Int64, interval: Duration) -> Duration {
        let first = min(interval, Self.firstDelay)
        guard position == nil else { return first }
        let (elapsed, overflow) = now.subtractingReportingOverflow(since)
        // A clock that was set back says nothing.
        guard !overflow, elapsed >= 0 else { return interval }
        return max(first, interval - .seconds(elapsed))
    }

    /// Whether one is to begin or to go on now.
    func isDue(now: Int64, interval: Duration) -> Bool {
        let (elapsed, overflow) = now.subtractingReportingOverflow(since)
        return position != nil || overflow || elapsed < 0 || .seconds(elapsed) >= interval
    }

    /// After its start the agent has other things to do.
    private static let firstDelay = Duration.seconds(60)

    /// One line of words: version, since, finished, differences, position, found, damaged nodes.
    var encoded: [UInt8] {
        let words =
            ["\(Self.version)", "\(since)", hasFinished ? "1" : "0", "\(differences)"]
            + [position.map { hexadecimal($0.bytes) } ?? "-", "\(found)"]
            + damaged.map { hexadecimal($0.bytes) }
        return Array(words.joined(separator: " ").utf8)
    }

    /// Nil for what is not understood.
    init?(encoded: [UInt8]) {
        let words = String(decoding: encoded, as: UTF8.self).split(separator: " ")
        guard words.count >= 6, words[0] == "\(Self.version)", let since = Int64(words[1]),
            let differences = Int(words[3]), differences >= 0, let found = Int(words[5]), found >= 0
        else { return nil }
        self.init(since: since)
        hasFinished = words[2] == "1"
        self.differences = differences
        position = Self.node(words[4])
        self.found = found
        damaged = words.dropFirst(6).compactMap(Self.node)
    }

    private static func node(_ word: Substring) -> NodeID? {
        bytes(hexadecimal: word).flatMap { NodeID(bytes: $0) }
    }
}
