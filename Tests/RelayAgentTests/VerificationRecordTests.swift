// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@testable import RelayAgent

@Suite struct VerificationRecordTests {
    @Test func `a record survives being stored`() {
        var record = VerificationRecord(since: -5)
        #expect(VerificationRecord(encoded: record.encoded) == record)
        record.position = NodeID(high: 1, low: 2)
        record.found = 3
        record.damaged = [NodeID(high: 3, low: 4), NodeID(high: 5, low: 6)]
        record.hasFinished = true
        record.differences = 7
        #expect(VerificationRecord(encoded: record.encoded) == record)
    }

    @Test(arguments: ["", "1", "2 0 0 0 - 0", "1 x 0 0 - 0", "1 0 0 -1 - 0", "1 0 0 0 -"])
    func `what is not understood is none`(text: String) {
        #expect(VerificationRecord(encoded: Array(text.utf8)) == nil)
    }

    @Test func `the next comparison waits for its time, an interrupted one only a moment`() {
        let week = Duration.seconds(604_800)
        var record = VerificationRecord(since: 1000)
        #expect(record.delay(now: 1000, interval: week) == week)
        #expect(!record.isDue(now: 1000, interval: week))
        #expect(record.delay(now: 1000 + 604_700, interval: week) == .seconds(100))
        #expect(record.delay(now: 1000 + 700_000, interval: week) == .seconds(60))
        #expect(record.isDue(now: 1000 + 604_800, interval: week))
        // A clock that was set back.
        #expect(record.delay(now: 0, interval: week) == week)
        record.position = NodeID(high: 1, low: 2)
        #expect(record.delay(now: 1000, interval: week) == .seconds(60))
        #expect(record.isDue(now: 1000, interval: week))
        record.finish(found: 2, damaged: [], now: 5000)
        #expect(record.position == nil && record.since == 5000)
        #expect(record.standing == VerificationStanding(finished: "5000", differences: 2))
        #expect(VerificationRecord(since: 1).standing == VerificationStanding())
    }
}
