// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-server verify`: the running hub reads all that it stores.
struct VerifyStore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Have the running hub read all contents that it stores, and say what is damaged.",
        discussion: """
            What is damaged counts as missing, and is brought anew from a machine that has it. Its bytes \
            stay where they are. The hub does the same by itself, slowly (relay-server run --verify-every).

            Examples:
              relay-server verify
              relay-server verify --share photos --json | jq '.[].damage.chunks[].path'

            Exit codes: 0 nothing is damaged, 9 something is damaged or missing; if nothing is, 1 something \
            could not be read.
            """)

    /// The exit code when something is damaged.
    private static let differing: Int32 = 9

    @OptionGroup var place: DataOptions

    @Option(help: ArgumentHelp("The share to verify (default: all).", valueName: "name"))
    var share: String?

    @Flag(help: "Print JSON, whose form is a contract, instead of text.")
    var json = false

    func run() async throws {
        let share = share
        let reports = try await place.withClient { try await $0.verifyStore(share: share) }
        let rendering: Rendering = json ? .json : .table
        for line in try rendering.lines(reports) { Terminal.print(line) }
        if reports.contains(where: { $0.damaged > 0 || ($0.damage?.missing ?? 0) > 0 }) {
            throw ExitCode(Self.differing)
        }
        if let reason = reports.lazy.compactMap(\.reason).first {
            throw ControlError.failed("not everything could be read: \(reason)")
        }
    }
}
