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
        var report = try await session.client.agentStatus()
        if let share = session.share {
            let names = report.folders.map(\.share).sorted().joined(separator: ", ")
            report.folders.removeAll { $0.share != share && $0.path != share }
            guard !report.folders.isEmpty else {
                throw ControlError.notFound(
                    "no share \(displayText(Array(share.utf8))); this agent has \(names)")
            }
        }
        for line in try rendering.rendering.lines(report) { Terminal.print(line) }
    }
}
