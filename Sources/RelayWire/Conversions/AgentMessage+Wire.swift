// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore

extension AgentMessage {
    init(wire: WireAgentMessage) throws(WireError) {
        switch wire.message {
        case nil: throw .protocolViolation("agent message of unknown kind")
        case .subscribe(let subscribe):
            self = .subscribe(
                subscribe.hasCursor ? try Cursor(wire: subscribe.cursor) : nil,
                unanswered: subscribe.hasUnanswered
                    ? try BatchID(wire: subscribe.unanswered, "subscribe.unanswered") : nil,
                isBare: subscribe.bare)
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
        case .subscribe(let cursor, let unanswered, let isBare):
            var subscribe = WireSubscribe()
            if let cursor { subscribe.cursor = cursor.wire }
            if let unanswered { subscribe.unanswered = unanswered.wire }
            if isBare { subscribe.bare = true }
            wire.subscribe = subscribe
        case .commit(let batch): wire.commit = batch.wire
        case .applied(let revision): wire.applied.revision = revision.number
        case .ping(let value): wire.ping = value
        case .pong(let value): wire.pong = value
        }
        return wire
    }
}
