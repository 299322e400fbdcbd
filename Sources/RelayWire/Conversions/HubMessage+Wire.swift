// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore

extension HubMessage {
    init(wire: WireHubMessage) throws(WireError) {
        switch wire.message {
        case nil: throw .protocolViolation("hub message of unknown kind")
        case .welcome(let welcome): self = .welcome(try Welcome(wire: welcome))
        case .changes(let page): self = .changes(try ChangePage(wire: page))
        case .committed(let committed):
            try checkCount(committed.answers.count, Batch.limitOperations, "committed.answers")
            self = .committed(
                try BatchID(wire: committed.hasBatch ? committed.batch : nil, "committed.batch"),
                answers: try committed.answers.map { value throws(WireError) in
                    try OperationAnswer(wire: value)
                },
                decidedAt: Landmark(
                    revision: try Revision(
                        wire: committed.hasDecidedAt ? committed.decidedAt : nil, "committed.decided_at"),
                    chain: try ChainValue(
                        wire: committed.hasChain ? committed.chain : nil, "committed.chain")))
        case .audited(let audited):
            let number = try required(audited.hasNumber ? audited.number : nil, "audited.number")
            self = .audited(number, try AuditPage(wire: audited))
        case .ping(let value): self = .ping(value)
        case .pong(let value): self = .pong(value)
        case .trouble(let text):
            self = .trouble(text.isEmpty ? nil : try PeerText.read(text, "hub_message.trouble"))
        }
    }

    /// Nil for `goodbye`, which travels in a frame of its own.
    var wire: WireHubMessage? {
        var wire = WireHubMessage()
        switch self {
        case .welcome(let welcome): wire.welcome = welcome.wire
        case .changes(let page): wire.changes = page.wire
        case .committed(let batch, let answers, let decidedAt):
            wire.committed.batch = batch.wire
            wire.committed.answers = answers.map(\.wire)
            wire.committed.decidedAt = decidedAt.revision.number
            wire.committed.chain = decidedAt.chain.wire
        case .audited(let number, let page):
            wire.audited = page.wire
            wire.audited.number = number
        case .ping(let value): wire.ping = value
        case .pong(let value): wire.pong = value
        case .trouble(let text): wire.trouble = PeerText.write(text ?? "")
        case .goodbye: return nil
        }
        return wire
    }
}

extension Welcome {
    init(wire: WireWelcome) throws(WireError) {
        self.init(
            epoch: try Epoch(wire: wire.hasEpoch ? wire.epoch : nil, "welcome.epoch"),
            head: try Revision(wire: wire.hasHead ? wire.head : nil, "welcome.head"),
            resumes: try required(wire.hasResumes ? wire.resumes : nil, "welcome.resumes"),
            answers: wire.answers,
            common: try Revision(wire: wire.common, "welcome.common"), audits: wire.audits,
            keepsOffers: wire.keepsOffers)
    }

    var wire: WireWelcome {
        var wire = WireWelcome()
        wire.epoch = epoch.wire
        wire.head = head.number
        wire.resumes = resumes
        if answers { wire.answers = true }
        if common != .zero { wire.common = common.number }
        if audits { wire.audits = true }
        if keepsOffers { wire.keepsOffers = true }
        return wire
    }
}

extension ChangePage {
    init(wire: WireChangePage) throws(WireError) {
        try checkCount(wire.records.count, ChangePage.limitRecords, "changes.records")
        try checkCount(wire.offers.count, ChangePage.limitRecords, "changes.offers")
        self.init(
            records: try wire.records.map { value throws(WireError) in try NodeRecord(wire: value) },
            offers: try wire.offers.map { value throws(WireError) in try ContentOffer(wire: value) },
            through: try Cursor(wire: try required(wire.hasThrough ? wire.through : nil, "changes.through")),
            reachesHead: try required(
                wire.hasReachesHead ? wire.reachesHead : nil, "changes.reaches_head"))
    }

    var wire: WireChangePage {
        var wire = WireChangePage()
        wire.records = records.map(\.wire)
        wire.offers = offers.map(\.wire)
        wire.through = through.wire
        wire.reachesHead = reachesHead
        return wire
    }
}

extension AuditPage {
    init(wire: WireAudited) throws(WireError) {
        try checkCount(wire.records.count, AuditPage.limitRecords, "audited.records")
        self.init(
            records: try wire.records.map { value throws(WireError) in try NodeRecord(wire: value) },
            through: try Revision(wire: wire.hasThrough ? wire.through : nil, "audited.through"),
            head: try Cursor(wire: try required(wire.hasHead ? wire.head : nil, "audited.head")))
    }

    var wire: WireAudited {
        var wire = WireAudited()
        wire.records = records.map(\.wire)
        wire.through = through.number
        wire.head = head.wire
        return wire
    }
}
