// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// Goes through the records of a segment file.
struct SegmentScan {
    private let file: SegmentFile
    private let endOffset: UInt64

    init(_ file: SegmentFile) throws(StateError) {
        self.file = file
        endOffset = try file.sizeBytes()
    }

    /// Visits each intact record. What is damaged is passed over: the next record is looked for behind it.
    func visitIntact(
        _ visit: (ChunkID, ChunkLocation) throws(StateError) -> Void
    ) throws(StateError) {
        var offset = UInt64(SegmentFormat.headerBytes)
        while offset < endOffset {
            if let record = try intactRecord(at: offset) {
                try visit(record.chunk, location(of: record, at: offset))
                offset += record.totalBytes
            } else if let next = try nextIntact(after: offset) {
                offset = next
            } else {
                return
            }
        }
    }

    /// What the end of a file looks like to which more is to be appended.
    enum Tail: Equatable {
        /// All of the file up to here is records; behind it is nothing, or the rest of a torn write.
        case records(upTo: UInt64)
        /// Records follow behind something damaged: the file must be left as it is.
        case damaged
    }

    /// Follows the records by their headers, and checks the bytes of the last ones.
    func tail() throws(StateError) -> Tail {
        guard try file.hasHeader() else { return .damaged }
        var offsets: [UInt64] = []
        var offset = UInt64(SegmentFormat.headerBytes)
        while let record = try record(at: offset), record.totalBytes <= endOffset - offset {
            offsets.append(offset)
            offset += record.totalBytes
        }
        if offset < endOffset, try nextIntact(after: offset) != nil { return .damaged }
        while let last = offsets.popLast() {
            if try intactRecord(at: last) != nil { break }
            offset = last
        }
        return .records(upTo: offset)
    }

    private func record(at offset: UInt64) throws(StateError) -> SegmentRecord? {
        guard offset < endOffset else { return nil }
        return try file.read(at: offset, count: SegmentRecord.headerBytes).withUnsafeBytes {
            SegmentRecord(header: $0)
        }
    }

    private func intactRecord(at offset: UInt64) throws(StateError) -> SegmentRecord? {
        do throws(StateError) {
            guard let record = try record(at: offset), record.totalBytes <= endOffset - offset else {
                return nil
            }
            let bytes = try file.read(at: offset, count: Int(record.totalBytes))
            return bytes.withUnsafeBytes { record.isIntact($0) } ? record : nil
        } catch {
            guard error.isDamaged else { throw error }
            return nil
        }
    }

    /// Reads what the disk can read, with zeros for what it cannot.
    private func readable(at offset: UInt64, count: Int) throws(StateError) -> [UInt8] {
        do throws(StateError) {
            return try file.read(at: offset, count: count)
        } catch {
            guard error.isDamaged else { throw error }
            guard count > Self.blockBytes else { return [UInt8](repeating: 0, count: count) }
        }
        var result: [UInt8] = []
        while result.count < count {
            let rest = min(Self.blockBytes, count - result.count)
            let block = try readable(at: offset + UInt64(result.count), count: rest)
            result += block
            if block.count < rest { break }
        }
        return result
    }

    /// What a disk reads at a time, or not.
    private static let blockBytes = 4096

    /// Looks byte for byte for the next record that is whole.
    private func nextIntact(after start: UInt64) throws(StateError) -> UInt64? {
        let step = 1 << 20
        var offset = start + 1
        while offset < endOffset {
            let bytes = try readable(at: offset, count: step + SegmentRecord.headerBytes)
            let candidates = bytes.withUnsafeBytes { buffer in
                (0..<min(step, buffer.count)).filter { index in
                    buffer[index] == 0x52 && index + 4 <= buffer.count
                        && buffer.word(index, as: UInt32.self) == SegmentRecord.magic
                }
            }
            for index in candidates where try intactRecord(at: offset + UInt64(index)) != nil {
                return offset + UInt64(index)
            }
            offset += UInt64(step)
        }
        return nil
    }

    private func location(of record: SegmentRecord, at offset: UInt64) -> ChunkLocation {
        ChunkLocation(
            segment: file.number, offset: offset, storedBytes: record.storedBytes,
            sizeBytes: record.sizeBytes, encoding: record.encoding)
    }
}
