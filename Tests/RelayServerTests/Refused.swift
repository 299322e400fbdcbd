// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayWire
import Testing

/// Why the hub refuses what the body asks for; it must, and say so.
func refusal(_ body: () async throws -> Void) async throws -> RefusalReason {
    do {
        try await body()
    } catch WireError.refused(let reason, let text) {
        #expect(!text.isEmpty)
        return reason
    }
    throw FixtureError("not refused")
}
