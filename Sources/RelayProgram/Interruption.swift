// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Dispatch
import Glibc
import UnixSignals

/// Lets a short-lived program tidy up when it is interrupted.
package enum Interruption {
    /// Runs `work`; SIGINT and SIGTERM cancel it, and then the exit code is 128 plus the signal's number.
    package static func cancelling<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                    leaveSoon(128 + signal.rawValue)
                    throw ExitCode(128 + signal.rawValue)
                }
                return nil
            }
            group.addTask { try await work() }
            defer { group.cancelAll() }
            while let outcome = try await group.next() {
                if let value = outcome { return value }
            }
            throw CancellationError()
        }
    }

    /// Ends the process if the cancelled work does not, because it waits for a person's next line.
    private static func leaveSoon(_ code: Int32) {
        let queue = DispatchQueue(label: "interruption")
        queue.asyncAfter(deadline: .now() + .milliseconds(graceMilliseconds)) { _exit(code) }
    }

    private static let graceMilliseconds = 500
}
