// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayCore
import RelayProgram

@main struct Main {
    static func main() async { await Program.main(RelayAgentCommand.self) }
}

/// `relay-agent`: the sync agent of one machine.
struct RelayAgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay-agent",
        abstract: "The sync agent: keeps folders of this machine equal to their shares.",
        discussion: """
            Examples:
              relay-agent ~/docs --join 'relay://…'     join a share, and serve it
              relay-agent ~/docs                        go on after a restart
              relay-agent                               all folders that were joined
              relay-agent ~/docs --hub 10.0.0.7:4817    the hub has moved
              relay-agent leave ~/docs                  not synced any more; the files stay

            A link to join with comes from relay-server invite.

            Exit codes: 0 stopped, 1 failed, 2 usage, 6 refused, 7 the hub to join cannot be reached.
            """,
        version: "relay-agent \(RelayVersion.text)",
        subcommands: [Run.self, Leave.self],
        defaultSubcommand: Run.self)
}
