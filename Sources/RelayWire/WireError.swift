// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// Why a connection could not be had, or ended.
package enum WireError: Error, Equatable, Sendable {
    /// Nobody answers at that address.
    case unreachable(String)
    /// The peer ended the connection and said why; the text is the peer's, for people.
    case refused(RefusalReason, String)
    /// The one who answered does not have the hub's key.
    case wrongHub(String)
    /// The peer (or a message given to `send`) breaks a rule of the protocol.
    case protocolViolation(String)
    /// The connection was closed on this side, or the task that waited was cancelled.
    case closed
    /// The peer did not do in time what it has to, or fell silent.
    case timedOut(String)
    /// The connection broke without a farewell.
    case lost(String)
    /// The hub cannot accept connections at that address.
    case cannotListen(String)
    /// The device's own key or certificate cannot be read, written or used.
    case identity(String)
    /// A join link is not one.
    case invalidLink(String)
}

extension WireError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let reason, let text): text.isEmpty ? "refused: \(reason)" : "refused: \(text)"
        case .protocolViolation(let text): "protocol violation: \(text)"
        case .closed: "connection closed"
        case .unreachable(let text), .wrongHub(let text), .timedOut(let text), .lost(let text),
            .cannotListen(let text), .identity(let text), .invalidLink(let text):
            text
        }
    }
}

/// A hub's refusal of a connection; the text is for people.
package struct Refusal: Error, Hashable, Sendable {
    package var reason: RefusalReason
    package var text: String

    package init(_ reason: RefusalReason, _ text: String) {
        self.reason = reason
        self.text = text
    }
}
