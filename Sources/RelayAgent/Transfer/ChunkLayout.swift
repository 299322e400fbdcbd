// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore

/// A verified chunk list with each chunk's place in the content.
struct ChunkLayout: Sendable {
    let chunks: [ChunkReference]
    let offsets: [UInt64]
    /// What is no run of zeros, in bytes.
    let dataBytes: UInt64

    /// Nil if the list is not that of the payload's content, or breaks a limit.
    init?(_ manifest: Manifest, of payload: FilePayload) {
        guard manifest.chunks.count <= ContentLimits.manifestChunks else { return nil }
        var offsets: [UInt64] = []
        offsets.reserveCapacity(manifest.chunks.count)
        var end: UInt64 = 0
        var zeroBytes: UInt64 = 0
        for chunk in manifest.chunks {
            guard chunk.sizeBytes > 0, Int(chunk.sizeBytes) <= ContentLimits.chunkBytes else { return nil }
            offsets.append(end)
            // At most `manifestChunks` times `chunkBytes`: no overflow.
            end += UInt64(chunk.sizeBytes)
            if chunk == ZeroChunk.reference { zeroBytes += UInt64(chunk.sizeBytes) }
        }
        guard end == payload.sizeBytes, Hashing.contentID(of: manifest) == payload.content else { return nil }
        chunks = manifest.chunks
        self.offsets = offsets
        dataBytes = end - zeroBytes
    }

    /// Consecutive indexes from `start` on whose chunks make up about one slice.
    func slice(of indexes: [Int], from start: Int) -> ArraySlice<Int> {
        var end = start
        var bytes: UInt64 = 0
        while end < indexes.count, bytes < TransferLimits.sliceBytes {
            bytes += UInt64(chunks[indexes[end]].sizeBytes)
            end += 1
        }
        return indexes[start..<end]
    }
}
