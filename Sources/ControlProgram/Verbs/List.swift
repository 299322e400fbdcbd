// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl list`: what is in the share.
struct List: Verb {
    static let configuration = CommandConfiguration(
        abstract: "List what is in the share, and what of it is still on its way.",
        discussion: """
            Examples:
              relay-ctl list                everything
              relay-ctl list photos         photos and all beneath it
              relay-ctl list --json | jq -r '.[] | select(.state != "in sync") | .path'
            """)

    @Argument(help: ArgumentHelp("Where to begin (default: the whole share).", valueName: "path"))
    var path: String?

    @OptionGroup var rendering: RenderingOptions
    @OptionGroup var options: SessionOptions

    func run(in session: Session) async throws {
        let path = try path.map { text throws(ControlError) in
            try RelativePath(typedOrRoot: RawText.bytes(text))
        }
        let entries = try await session.client.list(share: session.share, path: path ?? .root)
        for line in try rendering.rendering.lines(entries) { Terminal.print(line) }
    }
}
