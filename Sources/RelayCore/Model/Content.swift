// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// One chunk of a content: its name and its size before compression.
package struct ChunkReference: Hashable, Sendable {
    package var id: ChunkID
    package var sizeBytes: UInt32

    package init(id: ChunkID, sizeBytes: UInt32) {
        self.id = id
        self.sizeBytes = sizeBytes
    }
}

/// A content as the ordered list of its chunks. The empty content has no chunk.
package struct Manifest: Hashable, Sendable {
    package var chunks: [ChunkReference]

    package init(_ chunks: [ChunkReference]) { self.chunks = chunks }

    package var sizeBytes: UInt64 { chunks.reduce(0) { $0 &+ UInt64($1.sizeBytes) } }

    /// The bytes a content's id is the SHA-256 of: the text `relay content 1`, a zero byte, then for each
    /// chunk its 32 id bytes and its size as four bytes, most significant first.
    package var encodedForHashing: [UInt8] { Array("relay content 1\0".utf8) + encoded }

    /// 36 bytes a chunk: the id and the size, most significant byte first. The form kept in databases.
    package var encoded: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(chunks.count * Self.encodedChunkBytes)
        for chunk in chunks {
            chunk.id.raw.append(to: &result)
            result.append(bigEndian: chunk.sizeBytes)
        }
        return result
    }

    package static let encodedChunkBytes = 36

    /// Nil when the bytes are not a whole number of chunks.
    package init?(encoded: some RandomAccessCollection<UInt8>) {
        guard encoded.count.isMultiple(of: Self.encodedChunkBytes) else { return nil }
        chunks = encoded.withBytes { bytes in
            stride(from: 0, to: bytes.count, by: Self.encodedChunkBytes).map { offset in
                ChunkReference(
                    id: ChunkID(Bytes32(at: offset, in: bytes)),
                    sizeBytes: bytes.word(offset + 32, as: UInt32.self))
            }
        }
    }
}

/// How a chunk's bytes travel and are stored.
package enum ChunkEncoding: UInt8, Sendable, Hashable {
    case raw = 0
    case zstd = 1
}

/// A chunk's bytes as they travel and are stored: compressed once, by the first sender, if that pays.
package struct EncodedChunk: Hashable, Sendable {
    package var encoding: ChunkEncoding
    /// The size before compression.
    package var sizeBytes: UInt32
    package var bytes: [UInt8]

    package init(encoding: ChunkEncoding, sizeBytes: UInt32, bytes: [UInt8]) {
        self.encoding = encoding
        self.sizeBytes = sizeBytes
        self.bytes = bytes
    }
}

/// Limits on contents and chunks that every room keeps and every peer is held to.
package enum ContentLimits {
    /// The largest chunk, before and after compression.
    package static let chunkBytes = 1 << 20
    /// Contents of one chunk up to this size travel inside commit and feed messages.
    package static let inlineBytes = 64 << 10
    /// Manifests of up to this many chunks travel inside commit and feed messages.
    package static let inlineChunks = 64
    /// The most chunks of one content (at 64 KiB on average: 1 TiB).
    package static let manifestChunks = 1 << 24
}
