// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore

/// `relay-ctl wait`: until the folder is in sync.
struct Wait: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Wait until the folder is in sync with the hub.",
        discussion: """
            Example:
              relay-ctl wait --timeout 60 && poweroff

            With --timeout 0 it only tells what the agent knows at this moment.
            Exit codes: 0 in sync, 3 not in sync (--timeout 0), 7 no agent is running, 8 timed out.
            """)

    @Option(help: ArgumentHelp("Give up after so many seconds.", valueName: "seconds"))
    var timeout: Double?

    @OptionGroup var options: SessionOptions

    func validate() throws { try TimeoutText.check(timeout) }

    func run(in session: Session) async throws {
        try await session.client.wait(share: session.share, timeoutSeconds: timeout)
    }
}
