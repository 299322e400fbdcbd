// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore

/// A batch whose offers are what they claim to be.
struct CheckedBatch: Sendable {
    /// With what was kept of its contents.
    private(set) var batch: Batch
    /// The chunk lists that were offered of contents that the batch names.
    private(set) var manifests: [(ContentID, Manifest)] = []
    /// The chunks that were offered of such contents.
    private(set) var chunks: [(ChunkReference, EncodedChunk)] = []

    /// A batch breaks a rule; the text is for people.
    struct Violation: Error {
        var text: String
    }

    /// The content without a byte.
    static let emptyContent = Hashing.contentID(of: Manifest([]))

    /// Decodes and hashes what is offered. Meant for the connection's own task. `kept`: contents that were
    /// offered before, and checked.
    init(_ batch: Batch, kept: [ContentID: ContentOffer] = [:]) throws(Violation) {
        guard batch.operations.count <= Batch.limitOperations else {
            throw Violation(text: "batch of more than \(Batch.limitOperations) operations")
        }
        self.batch = batch
        let sizes = try Self.sizes(batch.operations)
        for (index, offer) in batch.offers.enumerated() {
            guard let size = sizes[offer.content] else { continue }
            if offer.inline == nil, let found = kept[offer.content] {
                self.batch.offers[index] = found
                try take(found, sizeBytes: size)
            } else {
                try Self.check(offer)
                try take(offer, sizeBytes: size)
            }
        }
    }

    /// Throws unless the offer is what it claims to be.
    static func check(_ offer: ContentOffer) throws(Violation) {
        guard let manifest = offer.manifest else {
            if offer.inline == nil { return }
            throw Violation(text: "content \(offer.content) is offered without its chunk list")
        }
        guard manifest.chunks.count <= ContentLimits.inlineChunks,
            manifest.chunks.allSatisfy({ $0.sizeBytes > 0 && Int($0.sizeBytes) <= ContentLimits.chunkBytes })
        else { throw Violation(text: "chunk list of content \(offer.content) breaks the limits") }
        guard Hashing.contentID(of: manifest) == offer.content else {
            throw Violation(text: "chunk list is not that of content \(offer.content)")
        }
        guard let inline = offer.inline else { return }
        guard let only = manifest.chunks.first, manifest.chunks.count == 1,
            Int(only.sizeBytes) <= ContentLimits.inlineBytes, inline.sizeBytes == only.sizeBytes
        else { throw Violation(text: "chunk of content \(offer.content) is too large to be offered") }
        do {
            _ = try ChunkCodec.decode(inline, verifying: only.id)
        } catch {
            throw Violation(text: "chunk of content \(offer.content) is not the one of its list")
        }
    }

    /// The contents that the operations name, with their sizes.
    private static func sizes(_ operations: [Operation]) throws(Violation) -> [ContentID: UInt64] {
        var sizes: [ContentID: UInt64] = [:]
        for operation in operations {
            switch operation {
            case .create(_, _, .file(let file), _), .change(_, .file(let file), _):
                guard (file.content == emptyContent) == (file.sizeBytes == 0) else {
                    throw Violation(text: "content \(file.content) does not have \(file.sizeBytes) bytes")
                }
                if let size = sizes.updateValue(file.sizeBytes, forKey: file.content), size != file.sizeBytes
                {
                    throw Violation(text: "two sizes of content \(file.content)")
                }
            case .create, .change, .place, .remove: break
            }
        }
        return sizes
    }

    /// Takes in an offer that was checked.
    private mutating func take(_ offer: ContentOffer, sizeBytes: UInt64) throws(Violation) {
        guard let manifest = offer.manifest else { return }
        guard manifest.sizeBytes == sizeBytes else {
            throw Violation(text: "chunks of content \(offer.content) do not have \(sizeBytes) bytes")
        }
        manifests.append((offer.content, manifest))
        if let inline = offer.inline, let only = manifest.chunks.first { chunks.append((only, inline)) }
    }
}
