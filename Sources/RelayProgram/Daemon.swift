// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// One part of a program that runs until it is cancelled.
package struct DaemonPart: Service, CustomStringConvertible {
    package let description: String
    private let body: @Sendable () async throws -> Void

    package init(_ name: String, _ body: @escaping @Sendable () async throws -> Void) {
        description = name
        self.body = body
    }

    package func run() async throws {
        do {
            try await body()
        } catch {
            if !(error is CancellationError) { Daemon.hasFailed.store(true, ordering: .relaxed) }
            throw error
        }
    }
}

/// Runs the parts of a long-running program together.
package enum Daemon {
    /// Whether a part threw; only for the exit code of a program that is left before its parts have ended.
    fileprivate static let hasFailed = Atomic(false)

    /// Runs all parts until SIGTERM or SIGINT, which cancels them, or until one of them throws, which ends
    /// the others and is thrown. A part that does not end soon after a signal is left behind: everything on
    /// disk is safe at any instant.
    package static func run(_ parts: [DaemonPart], logger: Logger) async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let deadline = DaemonPart("deadline") {
            await withTaskCancellationHandler {
                // Nothing is waited for but the cancellation that a signal brings.
                try? await Task.sleep(for: .seconds(Double(Int32.max)))
            } onCancel: {
                leaveSoon()
            }
        }
        let group = ServiceGroup(
            configuration: .init(
                services: (parts + [deadline]).map { .init(service: $0) },
                cancellationSignals: [.sigterm, .sigint], logger: quiet))
        do {
            try await group.run()
        } catch is CancellationError {
        }
    }

    /// Ends the process when its parts have not ended after a while. A thread of its own, because the pool of
    /// the tasks may be what hangs.
    private static func leaveSoon() {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { _ in
                usleep(Daemon.graceMicroseconds)
                Terminal.complain("a part of the program did not end in time; leaving it")
                _exit(Daemon.hasFailed.load(ordering: .relaxed) ? 1 : 0)
            }, nil)
        pthread_detach(thread)
    }

    private static let graceMicroseconds: UInt32 = 2_500_000
}
