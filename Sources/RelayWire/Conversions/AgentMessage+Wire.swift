// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore

extension AgentMessage {
    init(wire: WireAgentMessage) throws(WireError) {
        switch wire.message {
        case nil: throw .protocolViolation("agent message of unknown kind")
        case .subscribe(let subscribe): self = .subscribe(try Subscription(wire: subscribe))
        case .commit(let batch):
            self = .commit(try Batch(wire: batch))
        case .applied(let applied):
            self = .applied(
                try Revision(wire: applied.hasRevision ? applied.revision : nil, "applied.revision"))
        case .ping(let value): self = .ping(value)
        case .pong(let value): self = .pong(value)
        }
    }

    var wire: WireAgentMessage {
        var wire = WireAgentMessage()
        switch self {
        case .subscribe(let subscription): wire.subscribe = subscription.wire
        case .commit(let batch): wire.commit = batch.wire
        case .applied(let revision): wire.applied.revision = revision.number
        case .ping(let value): wire.ping = value
        case .pong(let value): wire.pong = value
        }
        return wire
    }
}
