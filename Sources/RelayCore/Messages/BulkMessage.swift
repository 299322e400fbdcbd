// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// The exchange of contents on a bulk connection. It is the same in both directions: a hub asks an agent
/// for what it lacks in the words in which an agent asks its hub.
package enum BulkMessage: Hashable, Sendable {
    /// Asks for a content's chunk list. `known`: a content whose list the asker has.
    case wantManifest(request: UInt32, content: ContentID, known: ContentID? = nil)
    /// A part of a chunk list, from `first` on; the parts of a request come in order.
    case manifest(request: UInt32, first: UInt32, total: UInt32, chunks: [ChunkReference])
    /// A part of a chunk list that is as `count` chunks of the known one from the `start`-th on.
    case manifestCopy(request: UInt32, first: UInt32, total: UInt32, start: UInt32, count: UInt32)
    /// Asks for chunks of a content. One `chunk`, `chunkDelta` or `unavailable` answers each want, in any
    /// order.
    case wantChunks(request: UInt32, content: ContentID, wants: [ChunkWant])
    case chunk(request: UInt32, index: UInt32, EncodedChunk)
    /// A chunk as its difference to the base that the want told of, in the form of `ChunkDelta`.
    case chunkDelta(request: UInt32, index: UInt32, EncodedChunk)
    /// A chunk, or with no index all that is left of the request, cannot be had.
    case unavailable(request: UInt32, index: UInt32?, UnavailableReason)
    /// The hub has to wait for one of these devices to come online; the request goes on.
    case waiting(request: UInt32, devices: [String])
    /// The asker needs no more answers to the request.
    case cancel(request: UInt32)

    /// The most chunks in one `manifest` part.
    package static let limitManifestChunks = 16384
    /// The most names in `waiting`.
    package static let limitDevices = 256
}

/// One chunk of a content that is asked for.
package struct ChunkWant: Hashable, Sendable {
    /// The chunk's place in the content's chunk list, from 0.
    package var index: UInt32
    package var chunk: ChunkReference
    /// Where the chunk begins in the content, in bytes.
    package var offset: UInt64
    /// Tells of a chunk that the asker has and that may be much like this one, in the form of
    /// `ChunkSignature`; empty: of none.
    package var signature: [UInt8]

    package init(index: UInt32, chunk: ChunkReference, offset: UInt64, signature: [UInt8] = []) {
        self.index = index
        self.chunk = chunk
        self.offset = offset
        self.signature = signature
    }

    /// The most wants in one request, and the most of them with a signature.
    package static let limit = 4096
    package static let limitSignatures = 32
    /// The longest signature: four bytes, and twelve for each KiB of the largest chunk.
    package static let limitSignatureBytes = 4 + 12 * (ContentLimits.chunkBytes >> 10)
}

/// Why a content or chunk cannot be had from the one who was asked.
package enum UnavailableReason: UInt8, Hashable, Sendable {
    /// Not referenced in the share: unknown or not allowed, told alike.
    case unknown = 1
    /// Known, but not held here (any more).
    case notHeld = 2
    /// The file is changing; ask again later.
    case busy = 3
    /// Reading failed.
    case failed = 4
}
