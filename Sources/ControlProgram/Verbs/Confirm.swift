// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl confirm`: what the folder is held for is meant.
struct Confirm: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Say that what a folder is held for is meant: it becomes the share's state.",
        discussion: """
            A folder that is emptied, of which a large part vanishes, or many files of which are replaced by
            older ones at once is held: nothing is told to the share. Put everything back, confirm, or reject.

            Example:
              relay-ctl status && relay-ctl confirm
            """)

    @OptionGroup var options: SessionOptions

    func run(in session: Session) async throws {
        try await session.client.confirm(share: session.share)
        Terminal.print("confirmed")
    }
}
