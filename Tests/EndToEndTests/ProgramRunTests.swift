// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What tests are told of programs that do not end as they should.
@Suite(.serialized, .patientLane) struct ProgramRunTests {
    private let setup: Setup

    init() throws { setup = try Setup(startsHub: false) }

    @Test(arguments: [SIGSEGV, SIGILL, SIGBUS])
    func `a program that crashes is told with the signal and all that it said`(signal: Int32) throws {
        var result: ProgramResult?
        try withKnownIssue {
            result = try run("echo answered; echo complained >&2; kill -\(signal) $$").waitForEnd()
        } matching: { issue in
            let text = issue.comments.map(\.rawValue).joined()
            return ["relay-ctl", "signal \(signal) ", "“answered\n”", "“complained\n”"].allSatisfy(
                text.contains)
        }
        #expect(result?.status == -signal)
    }

    @Test func `a program that crashes is told even if nobody asks how it ended`() throws {
        try withKnownIssue {
            let run = try run("kill -SEGV $$")
            try within(10) { !run.isRunning }
        } matching: { issue in
            issue.comments.contains { $0.rawValue.contains("signal 11") }
        }
    }

    @Test func `a program that was killed did not crash, and an exit code is no signal`() throws {
        let killed = try run("kill -KILL $$").waitForEnd()
        #expect(killed.status == -SIGKILL)
        let left = try run("echo answered; exit 11").waitForEnd()
        #expect(left.status == 11 && left.output == "answered\n")
    }

    /// A script in place of a program, which leaves no image of its memory behind.
    private func run(_ script: String) throws -> ProgramRun {
        try ProgramRun(
            "relay-ctl", [], in: setup.directory, wrapper: ["/bin/bash", "-c", "ulimit -c 0; " + script])
    }
}
