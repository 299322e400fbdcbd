// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import RelayWire

@Suite struct HeartbeatTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private func at(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }

    /// A heartbeat that is asked for its verdict all the time.
    private struct Patient {
        var heartbeat: Heartbeat
        var now: NIODeadline
        var isReading = true
        var isSending = false

        mutating func verdict(_ end: NIODeadline) -> Heartbeat.Verdict {
            var last = Heartbeat.Verdict.fine
            while now < end {
                now = min(now + .seconds(3), end)
                last = heartbeat.verdict(now, isReading: isReading, isSending: isSending)
            }
            return last
        }
    }

    private func patient(isReading: Bool = true, isSending: Bool = false) -> Patient {
        Patient(
            heartbeat: Heartbeat(interval: .seconds(15), stalledIntervals: 8, now: start), now: start,
            isReading: isReading, isSending: isSending)
    }

    @Test func `nothing happens while both talk`() {
        var patient = patient()
        patient.heartbeat.noteHeard(at(1))
        patient.heartbeat.noteSent(at(1), wasIdle: true)
        #expect(patient.verdict(at(15)) == .fine)
    }

    @Test func `silence of either side asks for a ping`() {
        var listening = patient()
        listening.heartbeat.noteHeard(at(11))
        #expect(listening.verdict(at(15)) == .ping)
        var talking = patient()
        talking.heartbeat.noteSent(at(11), wasIdle: true)
        #expect(talking.verdict(at(15)) == .ping)
    }

    @Test func `what is on its way saves the ping`() {
        var patient = patient(isSending: true)
        #expect(patient.verdict(at(20)) == .fine)
    }

    @Test func `three intervals of silence are the end, unless nobody listens`() {
        var first = patient(isSending: true)
        #expect(first.verdict(at(44)) == .fine)
        #expect(first.verdict(at(45)) == .silent)
        var second = patient(isReading: false, isSending: true)
        #expect(second.verdict(at(45)) == .fine)
    }

    @Test func `a peer that takes nothing is given up in the end`() {
        var patient = patient(isReading: false, isSending: true)
        #expect(patient.verdict(at(100)) == .fine)
        patient.heartbeat.noteSent(at(100), wasIdle: true)
        #expect(patient.verdict(at(219)) == .fine)
        #expect(patient.verdict(at(220)) == .stalled)
        patient.heartbeat.noteProgress(at(220))
        #expect(patient.verdict(at(221)) == .fine)
    }

    @Test func `whoever was stopped itself does not blame the other`() {
        var heartbeat = patient().heartbeat
        #expect(heartbeat.verdict(at(1000), isReading: true, isSending: false) == .ping)
        #expect(heartbeat.verdict(at(1003), isReading: true, isSending: true) == .fine)
    }
}
