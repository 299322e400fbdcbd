// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// The hub's commit engine for one share: orders operations and feeds the changes to subscribers.
///
/// A deterministic machine: inputs go in, effects come out; it does no I/O but through its index. The owner
/// runs each `receive` in one transaction of the index and carries out the effects once that is durable. When
/// the transaction fails, the engine is told by `rollBack`, or dropped and a new one made over the index.
package final class HubEngine<Index: ShareIndex> {
    private struct Subscriber {
        var device: DeviceID
        /// The subscriber was sent everything up to here.
        var position: Revision
        /// Bytes of pages on their way since the connection was last known to have room.
        var bytesUnderWay = 0
        /// Asked for, to be answered once the subscriber was sent everything.
        var pings: [UInt64] = []
        /// Whether the pages up to the head bring no contents.
        var isBare: Bool
    }

    private let index: Index
    private let chain: (ChainValue, NodeRecord) -> ChainValue
    private let offer: (ContentID) -> ContentOffer?
    private var subscribers: [SubscriberID: Subscriber] = [:]
    /// As they were before the last `receive`.
    private var former: [SubscriberID: Subscriber] = [:]

    /// How many bytes of pages may be on their way to one subscriber, before the last page.
    package static var limitBytesUnderWay: Int { 3 * ChangePage.limitBytes }

    /// `chain` continues the share's hash chain; `offer` finds a small content or short manifest that the hub
    /// holds, for the pages of those who catch up.
    package init(
        index: Index, chain: @escaping (ChainValue, NodeRecord) -> ChainValue,
        offer: @escaping (ContentID) -> ContentOffer?
    ) {
        self.index = index
        self.chain = chain
        self.offer = offer
    }

    /// Takes back the last `receive`, whether it threw or not, with whose transaction nothing was changed.
    package func rollBack() { subscribers = former }

    package func receive(_ inputs: [HubInput]) throws(StateError) -> [HubEffect] {
        former = subscribers
        var effects: [HubEffect] = []
        var group = CommitGroup(start: index.head.revision)
        var authors: Set<SubscriberID> = []
        for input in inputs {
            switch input {
            case .subscribed(let id, let device, let subscription):
                try subscribe(id, device, subscription, &effects)
            case .unsubscribed(let id): subscribers[id] = nil
            case .drained(let id): subscribers[id]?.bytesUnderWay = 0
            case .pinged(let id, let number): subscribers[id]?.pings.append(number)
            case .applied: break
            case .commit(let id, let batch):
                authors.insert(id)
                try commit(batch, from: id, &group, &effects)
            }
        }
        for id in subscribers.keys.sorted() { try feed(id, group, &effects) }
        return Self.othersFirst(effects, authors)
    }

    /// Who waits for news gets it before those who told some, who mostly learn only that it is kept. What
    /// goes to one subscriber keeps its order.
    private static func othersFirst(_ effects: [HubEffect], _ authors: Set<SubscriberID>) -> [HubEffect] {
        guard !authors.isEmpty else { return effects }
        let isForAuthor = { (effect: HubEffect) in
            if case .send(let id, _) = effect { authors.contains(id) } else { false }
        }
        return effects.filter { !isForAuthor($0) } + effects.filter(isForAuthor)
    }

    private func subscribe(
        _ id: SubscriberID, _ device: DeviceID, _ subscription: Subscription,
        _ effects: inout [HubEffect]
    ) throws(StateError) {
        // Of a device's connections only the newest counts. Of one whose place it takes nothing is decided
        // any more, so that a batch that is not known now is not known ever.
        for (other, subscriber) in subscribers where subscriber.device == device {
            guard other <= id else { return }
            subscribers[other] = nil
        }
        let cursor = subscription.cursor
        var resumes = cursor == nil && index.head.revision == .zero
        if let cursor, cursor.epoch == index.epoch, try index.chain(at: cursor.revision) == cursor.chain {
            resumes = true
            // What the agent was told of its own changes runs ahead of its cursor.
            for landmark in subscription.landmarks where landmark.revision > cursor.revision {
                if try index.chain(at: landmark.revision) != landmark.chain { resumes = false }
            }
        }
        let position = resumes ? cursor?.revision ?? .zero : .zero
        subscribers[id] = Subscriber(device: device, position: position, isBare: subscription.isBare)
        let unanswered = subscription.unanswered
        var answer: (answers: [OperationAnswer], decidedAt: Revision)?
        if resumes, let unanswered { answer = try index.answers(device: device, batch: unanswered) }
        let welcome = Welcome(
            epoch: index.epoch, head: index.head.revision, resumes: resumes, answers: answer != nil,
            common: resumes ? .zero : try common(subscription.landmarks), audits: true,
            keepsOffers: true)
        effects.append(.send(id, .welcome(welcome)))
        if let unanswered, let (answers, decidedAt) = answer {
            effects.append(.send(id, try committed(unanswered, answers, decidedAt)))
        }
        if position == index.head.revision {
            let page = ChangePage(records: [], offers: [], through: index.head, reachesHead: true)
            effects.append(.send(id, .changes(page)))
        }
    }

    /// The newest of the landmarks that this hub's history has.
    private func common(_ landmarks: [Landmark]) throws(StateError) -> Revision {
        for landmark in landmarks.reversed()
        where try index.chain(at: landmark.revision) == landmark.chain { return landmark.revision }
        return .zero
    }

    private func commit(
        _ batch: Batch, from id: SubscriberID, _ group: inout CommitGroup, _ effects: inout [HubEffect]
    ) throws(StateError) {
        guard let device = subscribers[id]?.device else { return }
        if let (answers, decidedAt) = try index.answers(device: device, batch: batch.id) {
            effects.append(.send(id, try committed(batch.id, answers, decidedAt)))
            return
        }
        group.add(batch.offers)
        var answers: [OperationAnswer] = []
        answers.reserveCapacity(batch.operations.count)
        var placed: [NodeID: Revision] = [:]
        for proposed in batch.operations {
            let head = index.head
            let operation = proposed.resolved(placed)
            let decision = try CommitRules.decide(
                operation, as: head.revision.next, by: device, in: index)
            switch decision {
            case .rejected(let answer): answers.append(answer)
            case .accepted(let record):
                try index.append(record, chain: chain(head.chain, record))
                group.add(record, from: id)
                switch operation {
                case .create, .place: placed[record.node] = record.revision
                case .change, .remove: break
                }
                answers.append(.accepted(record.revision))
                if case .file(let file)? = record.state?.payload, file.sizeBytes > 0, operation.hasPayload,
                    group.offers[file.content]?.inline == nil
                {
                    effects.append(.acquire(file.content, sizeBytes: file.sizeBytes, from: device))
                }
            }
        }
        let decidedAt = index.head.revision
        try index.putAnswers(answers, decidedAt: decidedAt, device: device, batch: batch.id)
        effects.append(.send(id, try committed(batch.id, answers, decidedAt)))
    }

    private func committed(
        _ batch: BatchID, _ answers: [OperationAnswer], _ decidedAt: Revision
    ) throws(StateError) -> HubMessage {
        let landmark = Landmark(revision: decidedAt, chain: try index.chain(at: decidedAt) ?? .start)
        return .committed(batch, answers: answers, decidedAt: landmark)
    }

    /// Sends what the subscriber lacks, as far as its connection takes it.
    private func feed(
        _ id: SubscriberID, _ group: CommitGroup, _ effects: inout [HubEffect]
    ) throws(StateError) {
        guard var subscriber = subscribers[id] else { return }
        while subscriber.position < index.head.revision,
            subscriber.bytesUnderWay < Self.limitBytesUnderWay
        {
            let page: ChangePage
            var builder = ChangePageBuilder()
            if subscriber.position == group.start,
                let whole = group.page(for: id, through: index.head, builder: &builder)
            {
                page = whole
            } else {
                page = try catchUpPage(
                    after: subscriber.position, &builder, group, isBare: subscriber.isBare)
            }
            subscriber.position = page.through.revision
            subscriber.bytesUnderWay += page.estimatedBytes
            effects.append(.send(id, .changes(page)))
        }
        if subscriber.position == index.head.revision {
            subscriber.isBare = false
            for number in subscriber.pings { effects.append(.send(id, .pong(number))) }
            subscriber.pings = []
        }
        subscribers[id] = subscriber
    }

    private func catchUpPage(
        after revision: Revision, _ builder: inout ChangePageBuilder, _ group: CommitGroup, isBare: Bool
    ) throws(StateError) -> ChangePage {
        let records = try index.records(after: revision, limit: ChangePage.limitRecords)
        var taken = revision
        for record in records {
            let content = isBare ? nil : record.state?.payload.content
            let found = content.flatMap { group.offers[$0] ?? offer($0) }
            guard builder.add(record, offer: found) else { break }
            taken = record.revision
        }
        // Records that were overtaken by later ones leave gaps: at the end of the list the page is complete.
        let isLast = builder.records.count == records.count && records.count < ChangePage.limitRecords
        let through = isLast ? index.head.revision : taken
        let chain = try index.chain(at: through) ?? .start
        return ChangePage(
            records: builder.records, offers: builder.offers,
            through: Cursor(epoch: index.epoch, revision: through, chain: chain),
            reachesHead: through == index.head.revision)
    }
}

extension Operation {
    /// The operation with `Revision.ofThisBatch` replaced by the revision that is meant.
    fileprivate func resolved(_ placed: [NodeID: Revision]) -> Operation {
        guard case .place(let node, let placement, .ofThisBatch) = self, let revision = placed[node] else {
            return self
        }
        return .place(node: node, placement: placement, basedOn: revision)
    }

    /// Whether the operation names a payload.
    fileprivate var hasPayload: Bool {
        switch self {
        case .create, .change: true
        case .place, .remove: false
        }
    }
}
