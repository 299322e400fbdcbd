// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

extension Manifest {
    /// A longer run of chunks that are new is told as it is: that is no small change any more.
    private static let longestRun = 8

    /// For some of this list's chunks that another version lacks (`missing`: their indexes, ascending) the
    /// index of the chunk there that stands in their place: between the same neighbours. Such chunks mostly
    /// differ in a few bytes.
    package func bases(of missing: [Int], in former: Manifest) -> [Int: Int] {
        guard !missing.isEmpty, !former.chunks.isEmpty else { return [:] }
        var places: [ChunkID: Int] = [:]
        places.reserveCapacity(former.chunks.count)
        for (place, chunk) in former.chunks.enumerated() where places[chunk.id] == nil {
            places[chunk.id] = place
        }
        var result: [Int: Int] = [:]
        var rest = missing[...]
        while let first = rest.first {
            var count = 1
            while count < rest.count, rest[rest.startIndex + count] == first + count { count += 1 }
            rest = rest.dropFirst(count)
            guard count <= Self.longestRun, first + count <= chunks.count,
                let before = first == 0 ? -1 : places[chunks[first - 1].id],
                let after = first + count == chunks.count
                    ? former.chunks.count : places[chunks[first + count].id],
                before + 1 < after
            else { continue }
            for offset in 0..<count { result[first + offset] = min(before + 1 + offset, after - 1) }
        }
        return result
    }
}
