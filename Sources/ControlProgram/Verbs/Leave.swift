// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl leave`: a folder is not synced any more.
struct Leave: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Give a share up on this machine: its folder stays as it is, and is not synced any more.",
        discussion: """
            Nothing is deleted, neither here nor elsewhere, and what was not synced yet stays as it is. The \
            hub is told, if it can be reached. The folder can be joined again later, with a new link.

            If this machine alone has contents of the share, it does not leave before others have them, \
            unless --force says so.

            Examples:
              relay-ctl leave
              relay-ctl leave --share photos --force
            """)

    @Flag(help: "Leave even if nobody else has all contents of the share.")
    var force = false

    @OptionGroup var rendering: RenderingOptions
    @OptionGroup var options: SessionOptions

    func run(in session: Session) async throws {
        let report = try await session.client.leave(share: session.share, isForced: force)
        for line in try rendering.rendering.lines(report) { Terminal.print(line) }
    }
}
