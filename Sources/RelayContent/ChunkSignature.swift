// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// What somebody tells of a chunk that he has, so that another chunk can be told him as a difference to it.
///
/// The method is rsync's (Tridgell, "Efficient Algorithms for Sorting and Synchronization", 1999, chapter 3):
/// for each block a checksum that can be rolled over bytes, and a part of a digest. Nobody is trusted: what
/// comes of a difference is verified by the name of the whole chunk.
///
/// The form: the chunk's size as four bytes, most significant first, then for each block of `blockBytes`, the
/// last of which may be shorter, four bytes of the checksum and eight of its SHA-256.
package struct ChunkSignature: Hashable, Sendable {
    /// At 64 KiB a chunk, about where the signature costs as much as the block that holds a change.
    package static let blockBytes = 1024
    private static let headerBytes = 4
    private static let entryBytes = 12

    struct Block: Hashable {
        var checksum: UInt32
        var digest: UInt64
    }

    /// The size of the chunk that it tells of.
    let sizeBytes: Int
    let blocks: [Block]

    /// Nil of an empty chunk, or one above the limit.
    package init?(of chunk: [UInt8]) {
        guard !chunk.isEmpty, chunk.count <= ContentLimits.chunkBytes else { return nil }
        sizeBytes = chunk.count
        blocks = chunk.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: Self.blockBytes).map { start in
                let end = min(start + Self.blockBytes, bytes.count)
                return Self.block(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            }
        }
    }

    /// Reads a signature; nil if it is none.
    package init?(encoded: [UInt8]) {
        guard encoded.count > Self.headerBytes, encoded.count <= ChunkWant.limitSignatureBytes else {
            return nil
        }
        sizeBytes = Int(encoded.withBytes { $0.word(0, as: UInt32.self) })
        let count = (sizeBytes + Self.blockBytes - 1) / Self.blockBytes
        guard encoded.count == Self.headerBytes + Self.entryBytes * count else { return nil }
        blocks = encoded.withBytes { bytes in
            (0..<count).map { index in
                let offset = Self.headerBytes + Self.entryBytes * index
                return Block(checksum: bytes.word(offset, as: UInt32.self), digest: bytes.word(offset + 4))
            }
        }
    }

    package var encoded: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(Self.headerBytes + Self.entryBytes * blocks.count)
        result.append(bigEndian: UInt32(truncatingIfNeeded: sizeBytes))
        for block in blocks {
            result.append(bigEndian: block.checksum)
            result.append(bigEndian: block.digest)
        }
        return result
    }

    static func block(_ bytes: UnsafeRawBufferPointer) -> Block {
        Block(checksum: RollingChecksum(bytes).value, digest: Hashing.sha256(bytes).first)
    }
}

/// rsync's checksum of a window of bytes, which follows the window in constant time.
struct RollingChecksum {
    /// The sum of the bytes, and the sum of such sums over all beginnings of the window.
    private var sum: UInt32 = 0
    private var sums: UInt32 = 0
    private let count: UInt32

    init(_ window: UnsafeRawBufferPointer) {
        count = UInt32(truncatingIfNeeded: window.count)
        for byte in window {
            sum &+= UInt32(byte)
            sums &+= sum
        }
    }

    var value: UInt32 { (sums & 0xffff) << 16 | (sum & 0xffff) }

    /// The window goes on by one byte.
    mutating func roll(out: UInt8, in next: UInt8) {
        sum = sum &- UInt32(out) &+ UInt32(next)
        sums = sums &- count &* UInt32(out) &+ sum
    }
}
