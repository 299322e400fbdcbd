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
              relay-server invite --address hub.example:4817
              relay-server invite --share photos --create     one more share, and its first link
            """)

    @OptionGroup var place: DataOptions

    @Option(help: ArgumentHelp("The share to join (default: the hub's only one).", valueName: "name"))
    var share: String?

    @Option(
        help: ArgumentHelp(
            "Where the machine reaches this hub, if not by its own address.",
            valueName: "host:port"))
    var address: String?

    @Flag(help: "Make the share if there is none of that name. --share says which.")
    var create = false

    func validate() throws {
        if create, share == nil { throw ValidationError("--create needs the new share's name: --share NAME") }
    }

    func run() async throws {
        let (share, address, creates) = (share, address, create)
        let link = try await place.withClient { client in
            let name = try await Self.share(share, of: client)
            return try await client.invite(share: name, address: address, creates: creates)
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
