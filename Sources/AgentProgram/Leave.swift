// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayAgent
import RelayControl
import RelayCore
import RelayProgram

/// `relay-agent leave`: gives a folder up while no agent runs.
struct Leave: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give a share up on this machine, while no agent runs (else: relay-ctl leave).",
        discussion: """
            The folder stays as it is, and is not synced any more. Nothing is deleted, neither here nor \
            elsewhere.

            Example:
              relay-agent leave ~/Shared
            """)

    @Argument(help: ArgumentHelp("The folder.", valueName: "folder"))
    var folder: String

    @Flag(help: "Leave even if nobody else has all contents of the share.")
    var force = false

    @Option(
        help: ArgumentHelp(
            """
            Where the agent keeps its state (default: $RELAY_STATE, else $XDG_STATE_HOME/relay/agent, else \
            ~/.local/state/relay/agent).
            """, valueName: "dir"))
    var state: String?

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = try log.logger("relay-agent")
        let directory = try state ?? Environment.agentState()
        let name = DeviceNameFile(stateDirectory: directory).read() ?? Environment.hostName()
        do {
            // Nothing is served, so that no watcher is needed.
            let agent = try Agent(
                configuration: AgentConfiguration(
                    stateDirectory: directory, deviceName: name, watchExecutable: ""), logger: logger)
            let path = try agent.knownPath(of: folder)
            let force = force
            let report = try await Interruption.cancelling {
                try await agent.leave(share: path, isForced: force)
            }
            for line in try Rendering.table.lines(report) { Terminal.print(line) }
        } catch let error as AgentError {
            if case .stateInUse = error {
                throw ControlError.refused("the agent is running: relay-ctl leave asks it to leave")
            }
            throw error.controlError
        }
    }
}
