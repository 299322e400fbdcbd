// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// The chunks of a version that was before, in step with those that a version much like it is cut into.
///
/// Where a chunk begins, its bytes alone say where it ends. So bytes that are those of a former chunk are
/// that chunk, and need only be hashed: finding ends takes nearly as long as hashing does.
struct FormerChunks {
    /// All that end because of their bytes. The last one ends where the content did.
    private let chunks: ArraySlice<ChunkReference>
    /// The place of the chunk that is to come next, or from which on it is looked for.
    private var place: Int
    /// Whether the chunk at `place` is likely to come next.
    private(set) var isInStep: Bool

    /// How far ahead is looked for a chunk: as much may be gone, about 64 MiB, without the rest being lost.
    private static let sightChunks = 1024

    init(_ manifest: Manifest) {
        chunks = manifest.chunks.dropLast()
        place = chunks.startIndex
        isInStep = true
    }

    /// Those that are likely to come next, as far as they end within so many bytes; none when out of step.
    func next(within limit: Int) -> ArraySlice<ChunkReference> {
        guard isInStep else { return [] }
        var (end, bytes) = (place, 0)
        while end < chunks.endIndex {
            let size = Int(chunks[end].sizeBytes)
            // What was not cut by the chunker is no help.
            guard (Chunker.minimumBytes...Chunker.maximumBytes).contains(size), size <= limit - bytes
            else { break }
            bytes += size
            end += 1
        }
        return chunks[place..<end]
    }

    /// So many of `next` came.
    mutating func cameNext(_ count: Int) { place += count }

    /// Another chunk came than `next` said.
    mutating func fellOutOfStep() { isInStep = false }

    /// A chunk came whose end was looked for: what followed it before may follow it again.
    mutating func came(_ chunk: ChunkReference) {
        let found = chunks[place...].prefix(Self.sightChunks).firstIndex(of: chunk)
        if let found { place = found + 1 }
        isInStep = found != nil
    }

    /// So many chunks of zeros came.
    mutating func cameZeros(_ count: Int) {
        place += chunks[place...].prefix(count).prefix { $0 == ZeroChunk.reference }.count
    }
}
