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
    private var isInStep = true
    /// How many chunks came one after the other that were not there before.
    private var strangers = 0

    /// How far ahead is looked for a chunk: as much may be gone, about 64 MiB, without the rest being lost.
    private static let sightChunks = 1024
    /// So many strangers are no small change any more.
    private static let manyStrangers = 16

    init(_ manifest: Manifest) {
        chunks = manifest.chunks.dropLast()
        place = chunks.startIndex
    }

    /// Whether a former chunk may well come soon.
    var isNear: Bool { place < chunks.endIndex && strangers < Self.manyStrangers }

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

    /// A chunk came whose end was looked for: what followed it before may follow it again. Zeros stand in
    /// many places, and tell nothing but where they are likely.
    mutating func came(_ chunk: ChunkReference) {
        let sight = chunk == ZeroChunk.reference ? 1 : Self.sightChunks
        let found = chunks[place...].prefix(sight).firstIndex(of: chunk)
        if let found { place = found + 1 }
        isInStep = found != nil
        strangers = found == nil ? strangers + 1 : 0
    }

    /// So many chunks of zeros came.
    mutating func cameZeros(_ count: Int) {
        place += chunks[place...].prefix(count).prefix { $0 == ZeroChunk.reference }.count
    }
}
