// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayCore
import RelayProgram

@main struct Main {
    static func main() async { await Program.main(RelayServerCommand.self) }
}

/// `relay-server`: the hub.
struct RelayServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay-server",
        abstract: "The hub: orders the changes of all machines, stores contents, relays what it lacks.",
        discussion: """
            Examples:
              relay-server                     serve on 0.0.0.0:4817, data in ./server
              relay-server --data /srv/relay --listen [::]:4817 --store-limit 20G
              relay-server --store-limit 0     keep nothing, relay from the machines
              relay-server invite              a link for one more machine
              relay-server status              shares, and who is online
              relay-server revoke laptop       that machine gets nothing any more
              relay-server verify              read all that is stored, and say what is damaged
              relay-server rebuild shared      a new index for a share whose index is damaged

            Exit codes: 0 done, 1 failed, 2 usage, 5 not found, 6 refused, 7 no hub is running, 9 something \
            is damaged.
            """,
        version: "relay-server \(RelayVersion.text)",
        subcommands: [
            Run.self, Invite.self, Status.self, Devices.self, Revoke.self, Readmit.self, VerifyStore.self,
            Rebuild.self,
        ],
        defaultSubcommand: Run.self)
}
