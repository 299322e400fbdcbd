// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// Where a chunk lies in a segment store.
package struct ChunkLocation: Hashable, Sendable {
    /// The number of the segment file.
    package var segment: UInt32
    /// Where the chunk's record begins in the file, in bytes.
    package var offset: UInt64
    /// The size of the chunk's bytes as they are stored.
    package var storedBytes: UInt32
    /// The size before compression.
    package var sizeBytes: UInt32
    package var encoding: ChunkEncoding

    package init(
        segment: UInt32, offset: UInt64, storedBytes: UInt32, sizeBytes: UInt32, encoding: ChunkEncoding
    ) {
        self.segment = segment
        self.offset = offset
        self.storedBytes = storedBytes
        self.sizeBytes = sizeBytes
        self.encoding = encoding
    }
}
