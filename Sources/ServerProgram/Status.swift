// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-server status`: the running hub's shares and devices.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say how the running hub is: its shares, what it stores, and who is online.",
        discussion: """
            Example:
              relay-server status --data ~/relay-hub --json
            """)

    @OptionGroup var place: DataOptions

    @Flag(help: "Print JSON, whose form is a contract, instead of tables.")
    var json = false

    func run() async throws {
        let report = try await place.withClient { try await $0.hubStatus() }
        let rendering: Rendering = json ? .json : .table
        for line in try rendering.lines(report) { Terminal.print(line) }
    }
}
