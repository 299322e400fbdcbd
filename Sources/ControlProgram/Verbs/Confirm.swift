// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl confirm`: a removal that halted the folder is meant.
struct Confirm: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Say that the removal of everything, for which the folder is halted, is meant.",
        discussion: """
            A folder that is emptied at once halts, and nothing is removed from the share: bring the files
            back, or confirm.

            Example:
              relay-ctl status && relay-ctl confirm
            """)

    @OptionGroup var options: SessionOptions

    func run(in session: Session) async throws {
        try await session.client.confirm(share: session.share)
        Terminal.print("confirmed")
    }
}
