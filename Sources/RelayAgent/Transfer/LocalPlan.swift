// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// Which missing chunks a file of the folder may have, and which are to come from the hub.
struct LocalPlan: Sendable {
    /// One chunk, and where the source has it.
    struct Copy: Sendable {
        var index: Int
        var sourceOffset: UInt64
    }
    /// A chunk of the source that may be much like one that is to come.
    struct KnownPlace: Sendable {
        var offset: UInt64
        var sizeBytes: Int
    }
    private(set) var remote: [Int] = []
    /// For some of `remote`.
    private(set) var bases: [Int: KnownPlace] = [:]
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
        defer { findBases(layout, chunks) }
        for index in missing {
            if let offset = offsets[layout.chunks[index].id] {
                copies.append(Copy(index: index, sourceOffset: offset))
            } else {
                remote.append(index)
            }
        }
    }

    private mutating func findBases(_ layout: ChunkLayout, _ former: [ChunkReference]) {
        // A change of much is told as it is.
        guard remote.count <= TransferLimits.bases, former.count <= TransferLimits.previousChunks else {
            return
        }
        let pairs = Manifest(layout.chunks).bases(of: remote, in: Manifest(former))
        guard !pairs.isEmpty else { return }
        var offsets: [UInt64] = []
        offsets.reserveCapacity(former.count)
        var end: UInt64 = 0
        for chunk in former {
            offsets.append(end)
            end &+= UInt64(chunk.sizeBytes)
        }
        bases = pairs.mapValues { KnownPlace(offset: offsets[$0], sizeBytes: Int(former[$0].sizeBytes)) }
    }
}
