// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// Which missing chunks a file of the folder may have, and which are to come from the hub.
struct LocalPlan: Sendable {
    /// One chunk, and where the source has it.
    struct Copy: Sendable {
        var index: Int
        var sourceOffset: UInt64
    }
    private(set) var remote: [Int] = []
    private(set) var copies: [Copy] = []
    let source: LocalSource?

    init(_ layout: ChunkLayout, missing: [Int], previous: LocalSource?) {
        source = previous
        guard let chunks = previous?.manifest?.chunks, !chunks.isEmpty else {
            remote = missing
            return
        }
        var offsets: [ChunkID: UInt64] = [:]
        offsets.reserveCapacity(min(chunks.count, TransferLimits.previousChunks))
        var end: UInt64 = 0
        for chunk in chunks.prefix(TransferLimits.previousChunks) {
            offsets[chunk.id] = end
            end &+= UInt64(chunk.sizeBytes)
        }
        for index in missing {
            if let offset = offsets[layout.chunks[index].id] {
                copies.append(Copy(index: index, sourceOffset: offset))
            } else {
                remote.append(index)
            }
        }
    }
}
