// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A chunk list that is here, in terms of which another one may be told, once.
package struct KnownManifest: Hashable, Sendable {
    package let content: ContentID
    package let manifest: Manifest
    /// How many chunks may still be taken from it: no more than it has, however often it is named, so that
    /// nobody makes a long list of few bytes.
    private var left: Int

    package init(content: ContentID, manifest: Manifest) {
        self.content = content
        self.manifest = manifest
        left = manifest.chunks.count
    }

    /// So many chunks from the `start`-th on; nil if there are not so many, or too many were taken.
    package mutating func take(from start: UInt32, count: UInt32) -> ArraySlice<ChunkReference>? {
        let end = UInt64(start) + UInt64(count)
        guard end <= UInt64(manifest.chunks.count), Int(count) <= left else { return nil }
        left -= Int(count)
        return manifest.chunks[Int(start)..<Int(end)]
    }
}

extension Manifest {
    /// The messages that tell this chunk list, in order, to somebody who may have another one: runs of chunks
    /// that stand in that one too are named by their place there. At most `limit` chunks come in one message.
    package func messages(request: UInt32, knowing known: Manifest?, limit: Int) -> ManifestMessages {
        ManifestMessages(request: request, chunks: chunks, known: known?.chunks ?? [], limit: limit)
    }
}

/// Made one after the other: a list may have millions of chunks.
package struct ManifestMessages: Sequence, IteratorProtocol {
    private let request: UInt32
    private let chunks: [ChunkReference]
    private let known: [ChunkReference]
    private let limit: Int
    /// Where in the known list each of its chunks stands first.
    private var places: [ChunkID: Int] = [:]
    /// How many more chunks the receiver takes from the known list.
    private var left: Int
    private var told = 0
    private var isDone = false

    /// A run that is shorter is not worth a message of its own.
    private static let leastRun = 16

    fileprivate init(request: UInt32, chunks: [ChunkReference], known: [ChunkReference], limit: Int) {
        self.request = request
        self.chunks = chunks
        self.known = known
        self.limit = limit
        left = known.count
        for (place, chunk) in known.enumerated() where places[chunk.id] == nil { places[chunk.id] = place }
    }

    package mutating func next() -> BulkMessage? {
        guard !isDone else { return nil }
        let (first, total) = (told, UInt32(chunks.count))
        defer { isDone = told == chunks.count }
        if let run = run(at: first) {
            told += run.count
            left -= run.count
            return .manifestCopy(
                request: request, first: UInt32(first), total: total, start: UInt32(run.start),
                count: UInt32(run.count))
        }
        while told < chunks.count, told - first < limit, told == first || run(at: told) == nil { told += 1 }
        return .manifest(
            request: request, first: UInt32(first), total: total, chunks: Array(chunks[first..<told]))
    }

    /// The chunks from this one on that stand in the known list in the same order, if they are worth it.
    private func run(at index: Int) -> (start: Int, count: Int)? {
        guard index < chunks.count, let start = places[chunks[index].id] else { return nil }
        let most = Swift.min(chunks.count - index, known.count - start, left)
        var count = 0
        while count < most, chunks[index + count] == known[start + count] { count += 1 }
        return count >= Self.leastRun ? (start, count) : nil
    }
}
