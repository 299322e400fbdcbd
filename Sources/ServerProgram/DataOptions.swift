// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayProgram

/// Which hub of this machine is meant.
struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The hub's data directory (default: RELAY_DATA or server).", valueName: "dir"))
    var data: String?

    @OptionGroup var log: LogOptions

    var directory: String { data ?? Environment.text("RELAY_DATA") ?? "server" }

    /// Asks the running hub for something.
    func withClient<Answer: Sendable>(
        _ body: @escaping @Sendable (ControlClient) async throws -> Answer
    ) async throws -> Answer {
        _ = try log.logger("relay-server")
        let client = ControlClient(.hub(dataDirectory: directory))
        do {
            let answer = try await Interruption.cancelling { try await body(client) }
            await client.shutdown()
            return answer
        } catch {
            await client.shutdown()
            throw error
        }
    }
}
