// SPDX-License-Identifier: Apache-2.0

import RelayControl
import RelayCore
import RelayProgram

/// Says on standard error for whom a download waits, as soon as that is known.
enum WaitingNotice {
    /// How long a download goes on before it is asked what it waits for.
    private static let patience = Duration.seconds(1)

    /// Runs the body; if it takes long, tells once why.
    static func telling(
        of path: RelativePath, in session: Session, _ body: () async throws -> Void
    ) async throws {
        let (client, share) = (session.client, session.share)
        let notice = Task {
            while !Task.isCancelled {
                // Most downloads are done by then, and nobody wants to be told.
                try await Task.sleep(for: patience)
                do throws(ControlError) {
                    _ = try await client.download(share: share, path: path, timeoutSeconds: 1)
                    return
                } catch {
                    guard case .notInSync(let text) = error, !Task.isCancelled else { continue }
                    Terminal.complain("relay-ctl: waiting: \(text)")
                    return
                }
            }
        }
        defer { notice.cancel() }
        try await body()
    }
}
