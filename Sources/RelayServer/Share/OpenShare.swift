// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayStorage

/// A share's files while they are open, and the engine over them. Dropped as a whole after an error.
struct OpenShare {
    let index: SQLiteShareIndex
    let segments: SegmentStore
    let engine: HubEngine<SQLiteShareIndex>
    /// Whether the index was put back from a copy, so that its history goes on under a new epoch.
    let beginsNewHistory: Bool
    private let witness: IndexWitness
    private let budget: OfferBudget

    /// Where the index lies in a share's directory.
    static func index(in directory: String) -> String { directory + "/index.sqlite" }

    /// Opens the files in the share's directory, or makes those of a new share. An index that is missing, or
    /// older than the one that was used before, is never taken for the share's: its changes would seem never
    /// to have been made.
    init(directory: String, isNew: Bool, limitBytes: UInt64?) throws(StateError) {
        let path = Self.index(in: directory)
        let index = try SQLiteShareIndex(path: path, mustExist: !isNew) { .random() }
        beginsNewHistory = try Self.compare(index, with: try IndexWitness.testimony(of: path), path)
        let segments = try SegmentStore(
            directory: directory + "/segments", limitBytes: limitBytes, known: try Self.endOfChunks(index))
        let budget = OfferBudget()
        engine = HubEngine(
            index: index, chain: { Hashing.chain(after: $0, record: $1) },
            offer: { budget.offer($0, index, segments) })
        self.index = index
        self.segments = segments
        self.budget = budget
        witness = try IndexWitness(of: path, head: index.head)
    }

    private static func endOfChunks(_ index: SQLiteShareIndex) throws(StateError) -> ChunkPlace? {
        do {
            return try index.transaction { try index.endOfChunks() }
        } catch {
            throw error as? StateError ?? StateError("cannot use share index: \(error)")
        }
    }

    /// Throws if the index is not the newest that was used. One whose witness was removed by somebody is a
    /// copy that was put back: it gets a new epoch, which is told by true.
    private static func compare(
        _ index: SQLiteShareIndex, with testimony: IndexWitness.Testimony, _ path: String
    ) throws(StateError) -> Bool {
        switch testimony {
        case .senseless: return false
        case .missing:
            guard index.head.revision != .zero else { return false }
            do {
                try index.transaction { try index.renewEpoch(.random()) }
                Failpoint.epochRenewed.reach()
            } catch {
                throw error as? StateError ?? StateError("cannot use share index \(path): \(error)")
            }
            return true
        case .head(let seen):
            let chain: ChainValue?
            do {
                chain = try index.transaction { try index.chain(at: seen.revision) }
            } catch {
                throw error as? StateError ?? StateError("cannot use share index \(path): \(error)")
            }
            guard seen.epoch == index.epoch, chain == seen.chain else {
                index.close()
                throw StateError(
                    "cannot open share index \(path): it is older than the one that was used before, or"
                        + " another (it has revision \(index.head.revision), and \(seen.revision) was"
                        + " reached): its -wal file was removed, or a copy put in its place; stop the hub and"
                        + " put back what was there, or remove \(IndexWitness.path(of: path)) to go on with"
                        + " what is there now: the agents bring back what it lacks", isDamaged: true)
            }
            return false
        }
    }

    /// To be called after each transaction that made changes, before anybody is told: throws if the files are
    /// not those any more that were opened, so that nothing of it lasts.
    func noteHead() throws(StateError) {
        try index.requireOwnFiles()
        witness.write(index.head)
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

extension Epoch {
    /// The epoch of a new line of history.
    static func random() -> Epoch {
        Epoch(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }
}
