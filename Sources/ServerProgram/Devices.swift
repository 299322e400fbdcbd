// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-server devices`: who is a member of what.
struct Devices: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the devices of the running hub's shares, and those that were revoked.",
        discussion: """
            Examples:
              relay-server devices
              relay-server devices --json | jq -r '.[] | select(.state == "offline").name'
            """)

    @OptionGroup var place: DataOptions

    @Flag(help: "Print JSON, whose form is a contract, instead of a table.")
    var json = false

    func run() async throws {
        let devices = try await place.withClient { try await $0.hubStatus().devices }
        let rendering: Rendering = json ? .json : .table
        for line in try rendering.lines(devices) { Terminal.print(line) }
    }
}
