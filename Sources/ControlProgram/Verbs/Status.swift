// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl status`: how the agent's folders are.
struct Status: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Say how the agent's folders are, and why if they are not in sync.",
        discussion: """
            Examples:
              relay-ctl status
              relay-ctl status --json | jq '.folders[].state'
            """)

    @OptionGroup var rendering: RenderingOptions
    @OptionGroup var options: SessionOptions

    func run(in session: Session) async throws {
        let report = try await session.client.agentStatus()
        for line in try rendering.rendering.lines(report) { Terminal.print(line) }
    }
}
