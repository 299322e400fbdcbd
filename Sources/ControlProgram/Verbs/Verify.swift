// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl verify`: disk, agent's index and hub's index, compared.
struct Verify: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Compare the disk, the agent's index and the hub's index, and say what differs and why.",
        discussion: """
            Reads every file of the folder (of all folders, without --share). What differs is observed and \
            planned anew by the ordinary rules, and nothing is removed for it. A file whose bytes changed \
            while its size and all its times stayed is left alone: somebody has to decide what it should be.

            Examples:
              relay-ctl verify
              relay-ctl verify --share /home/ann/Shared --json | jq '.[].differences[].path'

            Exit codes: 0 nothing differs, 9 something differs; if nothing does, 7 the hub was not compared, \
            1 something could not be read.
            """)

    /// The exit code when something differs.
    private static let differing: Int32 = 9

    @OptionGroup var rendering: RenderingOptions
    @OptionGroup var options: SessionOptions

    func run(in session: Session) async throws {
        let reports = try await session.client.verify(share: session.share)
        for line in try rendering.rendering.lines(reports) { Terminal.print(line) }
        if reports.contains(where: { $0.differenceCount > 0 }) { throw ExitCode(Self.differing) }
        if let reason = reports.lazy.compactMap(\.hubSkipped).first {
            throw ControlError.unreachable("the hub's index was not compared: \(reason)")
        }
        if let path = reports.lazy.flatMap(\.unreadable).first {
            throw ControlError.failed("\(path.path) could not be compared: \(path.reason)")
        }
    }
}
