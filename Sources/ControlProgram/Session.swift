// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// A connection to one agent, and the share that is meant.
struct Session: Sendable {
    let client: ControlClient
    var share: String?
}

/// Which agent and which share a verb is about.
struct SessionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            The agent's state directory (default: $RELAY_STATE, else $XDG_STATE_HOME/relay/agent, else \
            ~/.local/state/relay/agent).
            """, valueName: "dir"))
    var state: String?

    @Option(help: ArgumentHelp("The socket of the agent, instead of its state directory.", valueName: "path"))
    var socket: String?

    @Option(
        help: ArgumentHelp(
            "The share that is meant, if the agent has several: its name, or its folder's absolute path.",
            valueName: "name"))
    var share: String?

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard state == nil || socket == nil else {
            throw ValidationError("--state and --socket exclude each other")
        }
    }

    /// Runs with a session that is closed afterwards.
    func withSession(_ body: @escaping @Sendable (Session) async throws -> Void) async throws {
        _ = try log.logger("relay-ctl")
        let target =
            if let socket { ControlTarget.socket(socket) } else {
                ControlTarget.agent(stateDirectory: try state ?? Environment.agentState())
            }
        let session = Session(client: ControlClient(target), share: share)
        do {
            try await Interruption.cancelling { try await body(session) }
        } catch {
            await session.client.shutdown()
            throw error
        }
        await session.client.shutdown()
    }
}

/// A verb that asks an agent for something; it works the same from the command line and in the shell.
protocol Verb: AsyncParsableCommand, Sendable {
    var options: SessionOptions { get }
    func run(in session: Session) async throws
}

extension Verb {
    func run() async throws {
        try await options.withSession { session in try await run(in: session) }
    }
}

/// How a report is shown.
struct RenderingOptions: ParsableArguments {
    @Flag(help: "Print JSON, whose form is a contract, instead of a table.")
    var json = false

    var rendering: Rendering { json ? .json : .table }
}
