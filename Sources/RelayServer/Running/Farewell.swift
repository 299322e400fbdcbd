// SPDX-License-Identifier: Apache-2.0

import RelayWire
import Synchronization

/// How a connection is to end; the first word counts, but that it is to be cut counts at any time.
final class Farewell: Sendable {
    private struct State {
        var refusal: Refusal?
        var isCut = false
    }

    private let state = Mutex(State())
    private let cutting = OneShot<Bool>()

    /// What the device is told; nil: the connection ends by itself.
    var refusal: Refusal? { state.withLock { $0.refusal } }

    /// The connection ends once what is queued was written.
    func say(_ refusal: Refusal) { state.withLock { $0.refusal = $0.refusal ?? refusal } }

    /// The connection ends at once.
    func cut(_ refusal: Refusal) {
        state.withLock { state in
            state.refusal = state.refusal ?? refusal
            state.isCut = true
        }
        cutting.give(true)
    }

    /// The connection has ended.
    func isOver() { cutting.give(false) }

    /// Waits until the connection is to be cut, and cuts it; returns when it has ended otherwise.
    func carryOutCut<Inbound, Outbound>(of connection: WireConnection<Inbound, Outbound>) async {
        guard await cutting.value(), let refusal else { return }
        await connection.cut(refusal)
    }

    /// Closes the connection as it was said. False if nothing was.
    func close<Inbound, Outbound>(_ connection: WireConnection<Inbound, Outbound>) async -> Bool {
        let (refusal, isCut) = state.withLock { ($0.refusal, $0.isCut) }
        guard let refusal else { return false }
        if isCut { await connection.cut(refusal) } else { await connection.close(refusal) }
        return true
    }
}
