// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization

/// Which chunks of the contents asked for last were given once already.
final class ServedChunks: Sendable {
    /// The most contents that are remembered, and the most of their chunks together: two MiB.
    static let contents = 64
    static let chunks = 1 << 24

    private struct Served {
        let content: ContentID
        /// One bit a chunk, by its index.
        var words: [UInt64] = []

        /// True if the chunk was there before, or is beyond what is remembered.
        mutating func insert(_ index: UInt32) -> Bool {
            let (word, bit) = (Int(index / 64), UInt64(1) << UInt64(index % 64))
            guard word < ServedChunks.chunks / 64 else { return true }
            if word >= words.count { words += [UInt64](repeating: 0, count: word + 1 - words.count) }
            defer { words[word] |= bit }
            return words[word] & bit != 0
        }
    }

    /// The one asked for last at the end.
    private let served = Mutex<[Served]>([])

    /// Remembers that these chunks are given; returns those that were given before, or of which that cannot
    /// be told.
    func note(_ content: ContentID, _ indexes: [UInt32]) -> Set<UInt32> {
        served.withLock { served in
            var known = Served(content: content)
            if let place = served.firstIndex(where: { $0.content == content }) {
                known = served.remove(at: place)
            }
            var before: Set<UInt32> = []
            for index in indexes where known.insert(index) { before.insert(index) }
            served.append(known)
            while served.count > Self.contents || served.reduce(0, { $0 + $1.words.count }) > Self.chunks / 64
            {
                served.removeFirst()
            }
            return before
        }
    }
}
