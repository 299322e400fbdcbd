// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// The chunk of zeros alone, of which sparse files are full.
package enum ZeroChunk {
    /// What a run of zeros is cut into for as long as `Chunker.maximumBytes` of them follow.
    package static let reference: ChunkReference = {
        let zeros = [UInt8](repeating: 0, count: Chunker.maximumBytes)
        let length = zeros.withUnsafeBytes { Chunker.firstChunkLength(in: $0, isEnd: true) ?? $0.count }
        return ChunkReference(
            id: Hashing.chunkID(of: Array(zeros[..<length])), sizeBytes: UInt32(truncatingIfNeeded: length))
    }()
}
