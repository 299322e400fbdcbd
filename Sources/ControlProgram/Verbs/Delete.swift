// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl delete`: something out of the share.
struct Delete: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Remove a file, link or whole directory from the share, on all machines.",
        discussion: """
            Example:
              relay-ctl delete photos/blurred.jpg
            """)

    @Argument(help: ArgumentHelp("The name in the share.", valueName: "name"))
    var name: String

    @OptionGroup var options: SessionOptions

    func run(in session: Session) async throws {
        let path = try RelativePath(typed: RawText.bytes(name))
        try await session.client.delete(share: session.share, path: path)
        Terminal.print("deleted \(path)")
    }
}
