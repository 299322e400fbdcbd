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
        case .audit(let audit):
            let limit = try required(audit.hasLimit ? audit.limit : nil, "audit.limit")
            guard (1...UInt32(AuditPage.limitRecords)).contains(limit) else {
                throw .protocolViolation("audit.limit is \(limit)")
            }
            self = .audit(
                try required(audit.hasNumber ? audit.number : nil, "audit.number"),
                after: try Revision(wire: audit.hasAfter ? audit.after : nil, "audit.after"),
                limit: Int(limit))
        case .offer(let offer):
            try checkCount(offer.offers.count, ContentOffer.limitOffered, "offer.offers")
            self = .offer(
                try offer.offers.map { value throws(WireError) in try ContentOffer(wire: value) })
        case .leave(let leave): self = .leave(isForced: leave.forced)
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
        case .audit(let number, let after, let limit):
            wire.audit.number = number
            wire.audit.after = after.number
            wire.audit.limit = UInt32(clamping: limit)
        case .offer(let offers):
            wire.offer = WireOffer()
            wire.offer.offers = offers.map(\.wire)
        case .leave(let isForced):
            wire.leave = WireLeave()
            if isForced { wire.leave.forced = true }
        case .ping(let value): wire.ping = value
        case .pong(let value): wire.pong = value
        }
        return wire
    }
}
