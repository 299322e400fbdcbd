// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// The chunks of a content as wants, in order, with their offsets.
struct ContentWants {
    private let manifest: Manifest
    private var index = 0
    private var offset: UInt64 = 0

    init(_ manifest: Manifest) { self.manifest = manifest }

    /// The next wants, at most so many; nil at the end.
    mutating func next(limit: Int) -> [ChunkWant]? {
        guard index < manifest.chunks.count else { return nil }
        var result: [ChunkWant] = []
        while index < manifest.chunks.count, result.count < limit {
            let chunk = manifest.chunks[index]
            result.append(ChunkWant(index: UInt32(index), chunk: chunk, offset: offset))
            index += 1
            offset &+= UInt64(chunk.sizeBytes)
        }
        return result
    }

    /// The wants whose index and chunk are the manifest's, with the offsets that are right; and the indexes
    /// of the others.
    static func check(_ wants: [ChunkWant], _ manifest: Manifest) -> (right: [ChunkWant], wrong: [UInt32]) {
        var right: [ChunkWant] = []
        var wrong: [UInt32] = []
        for want in wants {
            let index = Int(want.index)
            if index < manifest.chunks.count, manifest.chunks[index] == want.chunk {
                right.append(want)
            } else {
                wrong.append(want.index)
            }
        }
        var offset: UInt64 = 0
        var next = 0
        for place in right.indices.sorted(by: { right[$0].index < right[$1].index }) {
            let index = Int(right[place].index)
            while next < index {
                offset &+= UInt64(manifest.chunks[next].sizeBytes)
                next += 1
            }
            right[place].offset = offset
        }
        return (right, wrong)
    }
}
