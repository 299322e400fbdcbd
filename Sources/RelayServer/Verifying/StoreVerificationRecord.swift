// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// What is kept in a share's index of verifications of its stored chunks.
struct StoreVerificationRecord: Equatable, Sendable {
    /// When the last one ended or, if none did yet, when the share was first opened; seconds since 1970.
    var since: Int64
    var hasFinished = false
    /// The segment at which the one that is under way goes on; nil: none is.
    var segment: UInt32?

    private static let version = 1

    init(since: Int64) { self.since = since }

    /// When the last one ended.
    var finishedAt: Int64? { hasFinished ? since : nil }

    /// How long to wait before the next one begins. A clock that was set back says nothing.
    func delay(now: Int64, interval: Duration) -> Duration {
        guard segment == nil else { return .zero }
        let (elapsed, overflow) = now.subtractingReportingOverflow(since)
        guard !overflow, elapsed >= 0 else { return interval }
        return max(.zero, interval - .seconds(elapsed))
    }

    /// One line of words: version, since, finished, segment.
    var encoded: [UInt8] {
        Array("\(Self.version) \(since) \(hasFinished ? 1 : 0) \(segment.map { "\($0)" } ?? "-")".utf8)
    }

    /// Nil for what is not understood.
    init?(encoded: [UInt8]) {
        let words = String(decoding: encoded, as: UTF8.self).split(separator: " ")
        guard words.count == 4, words[0] == "\(Self.version)", let since = Int64(words[1]) else {
            return nil
        }
        self.init(since: since)
        hasFinished = words[2] == "1"
        segment = UInt32(words[3])
    }
}
