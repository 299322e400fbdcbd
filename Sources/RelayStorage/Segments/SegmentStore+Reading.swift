// SPDX-License-Identifier: Apache-2.0

package import RelayCore
import Synchronization

// What is stored is read, and gone through.

extension SegmentStore {
    /// Reads a chunk as it was stored, of this id if one is given. Throws when it is not there whole
    /// (`isDamaged`), or cannot be read at present.
    package func read(_ location: ChunkLocation, expecting id: ChunkID? = nil) throws(StateError)
        -> EncodedChunk
    {
        let file = try file(location.segment)
        let count = SegmentRecord.headerBytes + Int(location.storedBytes)
        guard Int(location.storedBytes) <= ContentLimits.chunkBytes else { throw damage(location) }
        var bytes = try file.read(at: location.offset, count: count)
        let isIntact = bytes.withUnsafeBytes { buffer in
            guard let record = SegmentRecord(header: buffer) else { return false }
            return record.storedBytes == location.storedBytes && record.sizeBytes == location.sizeBytes
                && record.encoding == location.encoding && record.chunk == id ?? record.chunk
                && record.isIntact(buffer)
        }
        guard isIntact else { throw damage(location) }
        bytes.removeFirst(SegmentRecord.headerBytes)
        return EncodedChunk(encoding: location.encoding, sizeBytes: location.sizeBytes, bytes: bytes)
    }

    /// The segment's file, open.
    func file(_ number: UInt32) throws(StateError) -> SegmentFile {
        if let open = state.withLock({ $0.opened.find(number) }) { return open }
        let file = try SegmentFile(opening: directory.filePath(number), number: number)
        state.withLock { $0.opened.insert(file) }
        return file
    }

    /// Whether the segment has its file. Of one that somebody removed while it was open the chunks can be
    /// read until it is let go.
    package func hasFile(_ segment: UInt32) -> Bool {
        if let open = state.withLock({ $0.opened.find(segment) }) { return open.hasName }
        return StateFiles.identity(of: directory.filePath(segment)) != nil
    }

    /// The segments that there are, and the size of each in bytes.
    package func sizes() throws(StateError) -> [(segment: UInt32, bytes: UInt64)] {
        try directory.numbers().map { number throws(StateError) in
            (number, try file(number).sizeBytes())
        }
    }

    /// Visits every chunk that is there whole, the oldest first: to make the index of them again. A chunk may
    /// come more than once.
    package func scan(
        _ visit: (ChunkID, ChunkLocation) throws(StateError) -> Void
    ) throws(StateError) {
        for number in try directory.numbers() {
            try SegmentScan(try file(number)).visitIntact(visit)
        }
    }

    /// The same for the store in this directory, in which nothing is changed.
    package static func scan(
        directory path: String, _ visit: (ChunkID, ChunkLocation) throws(StateError) -> Void
    ) throws(StateError) {
        let directory = try SegmentDirectory(path)
        for number in try directory.numbers() {
            let file = try SegmentFile(opening: directory.filePath(number), number: number)
            try SegmentScan(file).visitIntact(visit)
        }
    }

    private func damage(_ location: ChunkLocation) -> StateError {
        StateError(
            "cannot read chunk at \(location.offset) of segment"
                + " \(directory.filePath(location.segment)): it is damaged", isDamaged: true)
    }
}
