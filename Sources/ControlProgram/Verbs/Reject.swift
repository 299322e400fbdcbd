// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl reject`: what the folder is held for is not meant.
struct Reject: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Say that what a folder is held for is not meant: the share's state comes back.",
        discussion: """
            What vanished from the folder comes back from the share, and files that were replaced by older
            ones are replaced by the share's. What the share does not have stays as it is.

            Example:
              relay-ctl status && relay-ctl reject
            """)

    @OptionGroup var options: SessionOptions

    func run(in session: Session) async throws {
        try await session.client.reject(share: session.share)
        Terminal.print("rejected")
    }
}
