// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A chunk list and the content that it is of.
package struct KnownManifest: Hashable, Sendable {
    package var content: ContentID
    package var manifest: Manifest

    package init(content: ContentID, manifest: Manifest) {
        self.content = content
        self.manifest = manifest
    }

    /// So many chunks from the `start`-th on; nil if there are not so many.
    package func chunks(from start: UInt32, count: UInt32) -> ArraySlice<ChunkReference>? {
        let end = UInt64(start) + UInt64(count)
        guard end <= UInt64(manifest.chunks.count) else { return nil }
        return manifest.chunks[Int(start)..<Int(end)]
    }
}

extension Manifest {
    /// The messages that tell this chunk list, in order, to somebody who may have another one: runs of chunks
    /// that stand in that one too are named by their place there. At most `limit` chunks come in one message.
    package func messages(request: UInt32, knowing known: Manifest?, limit: Int) -> [BulkMessage] {
        let total = UInt32(chunks.count)
        guard total > 0 else { return [.manifest(request: request, first: 0, total: 0, chunks: [])] }
        var places: [ChunkID: Int] = [:]
        for (index, chunk) in (known?.chunks ?? []).enumerated() where places[chunk.id] == nil {
            places[chunk.id] = index
        }
        var messages: [BulkMessage] = []
        var first = 0
        var index = 0
        func tell(through end: Int) {
            while first < end {
                let next = min(end, first + limit)
                messages.append(
                    .manifest(
                        request: request, first: UInt32(first), total: total,
                        chunks: Array(chunks[first..<next])))
                first = next
            }
        }
        while index < chunks.count {
            let count =
                places[chunks[index].id].map { run(at: index, in: known?.chunks ?? [], from: $0) } ?? 0
            guard count >= Self.worthwhileRun, let start = places[chunks[index].id] else {
                index += max(1, count)
                continue
            }
            tell(through: index)
            messages.append(
                .manifestCopy(
                    request: request, first: UInt32(index), total: total, start: UInt32(start),
                    count: UInt32(count)))
            index += count
            first = index
        }
        tell(through: chunks.count)
        return messages
    }

    /// Shorter runs take no more room as chunks.
    private static let worthwhileRun = 4

    private func run(at index: Int, in other: [ChunkReference], from start: Int) -> Int {
        var count = 0
        while index + count < chunks.count, start + count < other.count,
            chunks[index + count] == other[start + count]
        {
            count += 1
        }
        return count
    }
}
