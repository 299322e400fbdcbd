// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Small contents and short chunk lists that will be needed in a moment, up to a limit of bytes.
///
/// A cache: what it does not hold any more is asked for on a bulk connection.
struct OfferCache {
    private var offers: [ContentID: ContentOffer] = [:]
    private(set) var bytes = 0
    let limitBytes: Int

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    var isFull: Bool { bytes >= limitBytes }

    subscript(content: ContentID) -> ContentOffer? { offers[content] }

    /// Keeps the offer if there is room for it.
    mutating func insert(_ offer: ContentOffer) {
        guard offers[offer.content] == nil, !isFull else { return }
        offers[offer.content] = offer
        bytes += offer.estimatedBytes
    }

    /// Gives back room that was needed once.
    mutating func shrink() { offers.shrink() }

    mutating func removeAll() {
        offers = [:]
        bytes = 0
    }

    mutating func remove(_ content: ContentID) {
        guard let offer = offers.removeValue(forKey: content) else { return }
        bytes -= offer.estimatedBytes
    }
}
