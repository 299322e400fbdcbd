// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore

/// Makes a share's index anew from its segments, when it is damaged or gone.
///
/// The segments tell which chunks there are, nothing else does: the history begins anew, under a new epoch,
/// and the members offer what they have. The files that were there are kept under other names.
package struct IndexRebuild {
    private let index: String
    private let segments: String

    /// What the new index holds, and the names that the old files have now.
    package struct Outcome: Equatable, Sendable {
        package var chunks = 0
        package var bytes: UInt64 = 0
        package var setAside: [String] = []
    }

    /// How many chunks are written in one transaction.
    private static let groupChunks = 10_000

    /// Where the index is, and the directory of the segments.
    package init(index: String, segments: String) {
        self.index = index
        self.segments = segments
    }

    /// No hub may use the files. When it fails or is cut short, it can be run again.
    package func run(makeEpoch: () -> Epoch) throws(StateError) -> Outcome {
        let made = index + ".new"
        for suffix in Self.suffixes { unlink(made + suffix) }
        var outcome = try fill(made, makeEpoch: makeEpoch)
        guard StateFiles.identity(of: made + "-wal") == nil else {
            throw StateError("cannot use the new index \(made): it was not closed")
        }
        outcome.setAside = try setAside()
        guard rename(made, index) == 0 else {
            throw StateError("cannot rename \(made): \(errorText(errno))")
        }
        try StateFiles.syncDirectory(of: index)
        return outcome
    }

    private func fill(_ path: String, makeEpoch: () -> Epoch) throws(StateError) -> Outcome {
        let made = try SQLiteShareIndex(path: path, makeEpoch: makeEpoch)
        defer { made.close() }
        var outcome = Outcome()
        var group: [(ChunkID, ChunkLocation)] = []
        try SegmentStore.scan(directory: segments) { chunk, location throws(StateError) in
            group.append((chunk, location))
            outcome.bytes += UInt64(location.storedBytes)
            guard group.count >= Self.groupChunks else { return }
            try Self.put(group, in: made)
            group = []
        }
        try Self.put(group, in: made)
        outcome.chunks = try Self.transaction(of: made) { try made.chunkCount() }
        return outcome
    }

    /// What nobody tells of in this time may go.
    private static let retentionMilliseconds: Int64 = 30 * 24 * 3600 * 1000

    private static func put(
        _ chunks: [(ChunkID, ChunkLocation)], in index: SQLiteShareIndex
    ) throws(StateError) {
        try transaction(of: index) {
            try index.putLocations(chunks)
            for (chunk, _) in chunks { try index.mark(chunk, due: retentionMilliseconds) }
        }
    }

    private static func transaction<T>(
        of index: SQLiteShareIndex, _ body: () throws -> T
    ) throws(StateError) -> T {
        do {
            return try index.transaction(body)
        } catch {
            throw error as? StateError ?? StateError("cannot write the new index: \(error)")
        }
    }

    /// The index's file comes first: without it nobody takes what is left for the share's. Its witness comes
    /// last, without which the new index is taken.
    private func setAside() throws(StateError) -> [String] {
        let number = (1...).first { number in
            Self.suffixes.allSatisfy { StateFiles.identity(of: "\(index)\($0).aside-\(number)") == nil }
        }
        var names: [String] = []
        for suffix in Self.suffixes where StateFiles.identity(of: index + suffix) != nil {
            let name = "\(index)\(suffix).aside-\(number ?? 0)"
            guard rename(index + suffix, name) == 0 else {
                throw StateError("cannot rename \(index + suffix): \(errorText(errno))")
            }
            names.append(name)
        }
        return names
    }

    private static let suffixes = ["", "-wal", "-shm", "-journal", ".head"]
}
