// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-server invite`: a join link from the running hub.
struct Invite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a link by which one more machine can join, from the running hub.",
        discussion: """
            The link carries a secret that works once. It is all that is printed on standard output.

            Examples:
              relay-server invite
              relay-server invite --share photos --address hub.example:4817
            """)

    @OptionGroup var place: DataOptions

    @Option(help: ArgumentHelp("The share to join (default: the hub's only one).", valueName: "name"))
    var share: String?

    @Option(
        help: ArgumentHelp(
            "Where the machine reaches this hub, if not by its own address.",
            valueName: "host:port"))
    var address: String?

    func run() async throws {
        let (share, address) = (share, address)
        let link = try await place.withClient { client in
            let name = try await Self.share(share, of: client)
            return try await client.invite(share: name, address: address)
        }
        Terminal.print(link)
    }

    private static func share(_ wish: String?, of client: ControlClient) async throws(ControlError) -> String
    {
        if let wish { return wish }
        let names = try await client.hubStatus().shares.map(\.name)
        guard let name = names.first else { throw .notFound("this hub has no share") }
        guard names.count == 1 else {
            throw .usage(
                "say which with --share: \(names.map { displayText(Array($0.utf8)) }.joined(separator: ", "))"
            )
        }
        return name
    }
}
