// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// Contents that a device offered ahead of the batches that will name them; all of them verified.
struct KeptOffers {
    private var offers: [ContentID: ContentOffer] = [:]
    private var bytes = 0

    /// Keeps what there is room for: of the rest, the contents are asked for when they are committed. An
    /// empty list: none is needed any more.
    mutating func keep(_ more: [ContentOffer]) {
        if more.isEmpty { self = KeptOffers() }
        for offer in more where offers[offer.content] == nil {
            let size = offer.estimatedBytes
            guard bytes + size <= ContentOffer.limitAheadBytes else { return }
            offers[offer.content] = offer
            bytes += size
        }
    }

    /// Those that the batch names; they are kept no longer.
    mutating func take(for batch: Batch) -> [ContentID: ContentOffer] {
        guard !offers.isEmpty else { return [:] }
        var taken: [ContentID: ContentOffer] = [:]
        for offer in batch.offers {
            guard let found = offers.removeValue(forKey: offer.content) else { continue }
            bytes -= found.estimatedBytes
            taken[offer.content] = found
        }
        return taken
    }
}
