// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayStorage

/// A share's files while they are open, and the engine over them. Dropped as a whole after an error.
struct OpenShare {
    let index: SQLiteShareIndex
    let segments: SegmentStore
    let engine: HubEngine<SQLiteShareIndex>
    private let budget: OfferBudget

    /// Opens the files in the share's directory; makes what is not there.
    init(directory: String, limitBytes: UInt64?) throws(StateError) {
        let index = try SQLiteShareIndex(path: directory + "/index.sqlite") {
            Epoch(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
        }
        let segments = try SegmentStore(directory: directory + "/segments", limitBytes: limitBytes)
        let budget = OfferBudget()
        engine = HubEngine(
            index: index, chain: { Hashing.chain(after: $0, record: $1) },
            offer: { budget.offer($0, index, segments) })
        self.index = index
        self.segments = segments
        self.budget = budget
    }

    /// Runs the body in one transaction of the index.
    func transaction<T>(_ body: () throws -> T) throws(StateError) -> T {
        budget.refill()
        do {
            return try index.transaction(body)
        } catch let error as StateError {
            throw error
        } catch {
            throw StateError("cannot use the share's index: \(error)")
        }
    }
}

/// Finds what is offered along with pages for those who catch up. An offer only saves a request, so that at
/// most so much is read for the pages of one transaction.
private final class OfferBudget {
    private var restBytes = 0

    /// Enough for the offers of several pages.
    private static let limitBytes = 8 * ChangePage.limitBytes

    func refill() { restBytes = Self.limitBytes }

    /// The chunk list if it is short, and the chunk if there is a single small one and it is stored.
    func offer(_ content: ContentID, _ index: SQLiteShareIndex, _ segments: SegmentStore) -> ContentOffer? {
        guard restBytes > 0, let manifest = try? index.manifest(content) else { return nil }
        restBytes -= 64 + manifest.chunks.count * Manifest.encodedChunkBytes
        guard manifest.chunks.count <= ContentLimits.inlineChunks else { return nil }
        var offer = ContentOffer(content: content, manifest: manifest, inline: nil)
        if manifest.chunks.count == 1, let only = manifest.chunks.first,
            Int(only.sizeBytes) <= ContentLimits.inlineBytes, let location = try? index.location(only.id),
            let chunk = try? segments.read(location, expecting: only.id)
        {
            offer.inline = chunk
            restBytes -= chunk.bytes.count
        }
        return offer
    }
}
