// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayCore
import RelayProgram
import RelayServer

/// `relay-server rebuild`: a new index for a share whose index is damaged or gone.
struct Rebuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the index of a share anew when it is damaged or gone, while no hub runs.",
        discussion: """
            The files that are there get other names; nothing is deleted. Contents are found again in the \
            segments, and need not be sent again. Everything else comes from the machines that are \
            members: each offers what it has when it connects to the hub again, and nobody's file is \
            removed or replaced for that. The share's history begins anew. A machine that was away for \
            long brings back what the others removed meanwhile, and what it has in an older state stands \
            beside the newer one as a conflict copy: start the machines that were up to date first.

            Put back a copy of the index instead, if there is one: it knows the history.

            Examples:
              relay-server rebuild shared --data ~/relay-hub

            Exit codes: 0 done, 1 failed, 5 no such share, 6 a hub is running, or the index can be used.
            """)

    @Argument(help: ArgumentHelp("The share.", valueName: "share"))
    var share: String

    @Flag(help: "Do it though the index can be used: its history is lost.")
    var force = false

    @OptionGroup var place: DataOptions

    func run() async throws {
        _ = try place.log.logger("relay-server")
        let outcome: ShareRebuild.Outcome
        do throws(HubError) {
            let rebuild = try ShareRebuild(share: share, dataDirectory: place.directory)
            outcome = try rebuild.run(isForced: force)
        } catch {
            throw error.controlError
        }
        let name = displayText(Array(share.utf8))
        Terminal.print(
            "the index of the share \(name) is made anew; \(outcome.chunks) stored chunks"
                + " (\(outcome.bytes) bytes) were found again")
        for file in outcome.setAside { Terminal.print("kept: \(displayText(Array(file.utf8)))") }
        Terminal.print("start the hub: the machines bring what it does not know")
    }
}
