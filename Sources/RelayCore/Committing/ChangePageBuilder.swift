// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Collects records and offers up to a page's limits.
struct ChangePageBuilder {
    private(set) var records: [NodeRecord] = []
    private(set) var offers: [ContentOffer] = []
    private var estimatedBytes = 0

    /// False if the record does not fit any more. An offer that does not fit is left out.
    mutating func add(_ record: NodeRecord, offer: ContentOffer?) -> Bool {
        let bytes = record.estimatedBytes
        guard records.count < ChangePage.limitRecords, estimatedBytes + bytes <= ChangePage.limitBytes else {
            return false
        }
        records.append(record)
        estimatedBytes += bytes
        if let offer, estimatedBytes + offer.estimatedBytes <= ChangePage.limitBytes {
            offers.append(offer)
            estimatedBytes += offer.estimatedBytes
        }
        return true
    }
}

/// The operations that one transaction accepts, and the offers that came with them.
struct CommitGroup {
    /// The share's newest revision before the group.
    let start: Revision
    private(set) var offers: [ContentID: ContentOffer] = [:]
    private var nodes: [NodeID: (record: NodeRecord, author: SubscriberID?)] = [:]

    init(start: Revision) { self.start = start }

    mutating func add(_ offers: [ContentOffer]) {
        for offer in offers { self.offers[offer.content] = offer }
    }

    mutating func add(_ record: NodeRecord, from author: SubscriberID) {
        if let earlier = nodes[record.node], earlier.author != author {
            nodes[record.node] = (record, nil)
        } else {
            nodes[record.node] = (record, author)
        }
    }

    /// The page of the group's records that this subscriber did not make alone; nil if one page is too small.
    func page(for id: SubscriberID, through: Cursor, builder: inout ChangePageBuilder) -> ChangePage? {
        let records = nodes.values.filter { $0.author != id }.map(\.record)
            .sorted { $0.revision < $1.revision }
        for record in records {
            guard builder.add(record, offer: record.state?.payload.content.flatMap { offers[$0] }) else {
                builder = ChangePageBuilder()
                return nil
            }
        }
        return ChangePage(
            records: builder.records, offers: builder.offers, through: through, reachesHead: true)
    }
}
