// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

extension Manifest {
    /// Of a longer run of chunks that are new only the ends may have something of a former chunk: the rest is
    /// no small change any more.
    private static let longestRun = 8
    /// Of a run beyond that nothing is told: its ends are little of it, and are not looked for.
    private static let longestSeenRun = 1024

    /// For some of the wanted chunks (their indexes, ascending) that another version lacks, the index of the
    /// chunk there that stands in their place: between the same neighbours. Such chunks mostly differ in a
    /// few bytes, or begin or end with the bytes of that one.
    package func bases(of wanted: [Int], in former: Manifest) -> [Int: Int] {
        guard !wanted.isEmpty, !former.chunks.isEmpty else { return [:] }
        var places: [ChunkID: Int] = [:]
        places.reserveCapacity(former.chunks.count)
        for (place, chunk) in former.chunks.enumerated() where places[chunk.id] == nil {
            places[chunk.id] = place
        }
        var result: [Int: Int] = [:]
        var rest = wanted.filter { $0 < chunks.count && places[chunks[$0].id] == nil }[...]
        while let first = rest.first {
            // All that is new around it, wanted or not.
            var (start, end) = (first, first + 1)
            let isShort = { end - start <= Self.longestSeenRun }
            while isShort(), end < chunks.count, places[chunks[end].id] == nil { end += 1 }
            while isShort(), start > 0, places[chunks[start - 1].id] == nil { start -= 1 }
            let asked = rest.prefix { $0 < end }
            rest = rest[asked.endIndex...]
            guard isShort(), let before = start == 0 ? -1 : places[chunks[start - 1].id],
                let after = end == chunks.count ? former.chunks.count : places[chunks[end].id],
                before + 1 < after
            else { continue }
            for index in asked {
                if end - start <= Self.longestRun {
                    result[index] = min(before + 1 + index - start, after - 1)
                } else if index == start, start > 0 {
                    // Where the content begins or ends, nothing former goes on.
                    result[index] = before + 1
                } else if index == end - 1, end < chunks.count {
                    result[index] = after - 1
                }
            }
        }
        return result
    }
}
