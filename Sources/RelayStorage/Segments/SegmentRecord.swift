// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// The form of segment files: a header of 16 bytes (`RELAYSEG`, the format's version, the segment's number),
/// then records. Numbers are big-endian.
enum SegmentFormat {
    static let magic: UInt64 = 0x5245_4c41_5953_4547
    static let version: UInt32 = 1
    static let headerBytes = 16

    /// Where a new segment is begun instead of going on.
    static let limitBytes: UInt64 = 256 << 20

    static func header(number: UInt32) -> [UInt8] {
        var result: [UInt8] = []
        result.append(bigEndian: magic)
        result.append(bigEndian: version)
        result.append(bigEndian: number)
        return result
    }

    static func fileName(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits + ".seg"
    }

    /// The number in a segment file's name; nil for another file.
    static func number(fileName: String) -> UInt32? {
        guard fileName.hasSuffix(".seg"), let number = UInt32(fileName.dropLast(4), radix: 16) else {
            return nil
        }
        return Self.fileName(number) == fileName ? number : nil
    }
}

/// What stands before a chunk's bytes in a segment, 52 bytes: `RCHK`, the encoding, three zeros, the size
/// before compression, the stored size, the chunk's id, and a CRC-32C over all that and the bytes.
struct SegmentRecord {
    var chunk: ChunkID
    var encoding: ChunkEncoding
    var sizeBytes: UInt32
    var storedBytes: UInt32
    var checksum: UInt32

    static let magic: UInt32 = 0x5243_484b
    static let headerBytes = 52
    private static let checkedBytes = 48

    /// The size of header and bytes.
    var totalBytes: UInt64 { UInt64(Self.headerBytes) + UInt64(storedBytes) }

    /// Nil for bytes that are no record's header, or name sizes that no chunk has.
    init?(header: UnsafeRawBufferPointer) {
        guard header.count >= Self.headerBytes, header.word(0, as: UInt32.self) == Self.magic,
            let encoding = ChunkEncoding(rawValue: header[4]), header[5] | header[6] | header[7] == 0
        else { return nil }
        self.encoding = encoding
        sizeBytes = header.word(8, as: UInt32.self)
        storedBytes = header.word(12, as: UInt32.self)
        chunk = ChunkID(Bytes32(at: 16, in: header))
        checksum = header.word(48, as: UInt32.self)
        guard sizeBytes <= ContentLimits.chunkBytes, storedBytes <= ContentLimits.chunkBytes else {
            return nil
        }
    }

    /// Whether header and bytes are as they were written.
    func isIntact(_ record: UnsafeRawBufferPointer) -> Bool {
        guard record.count == Int(totalBytes) else { return false }
        var sum = CRC32C()
        sum.add(UnsafeRawBufferPointer(rebasing: record[..<Self.checkedBytes]))
        sum.add(UnsafeRawBufferPointer(rebasing: record[Self.headerBytes...]))
        return sum.value == checksum
    }

    /// Appends header and bytes of a chunk.
    static func append(_ id: ChunkID, _ chunk: EncodedChunk, to result: inout [UInt8]) {
        let start = result.count
        result.append(bigEndian: magic)
        result.append(chunk.encoding.rawValue)
        result.append(contentsOf: [0, 0, 0])
        result.append(bigEndian: chunk.sizeBytes)
        result.append(bigEndian: UInt32(truncatingIfNeeded: chunk.bytes.count))
        id.raw.append(to: &result)
        var sum = CRC32C()
        result.withUnsafeBytes { sum.add(UnsafeRawBufferPointer(rebasing: $0[start...])) }
        chunk.bytes.withUnsafeBytes { sum.add($0) }
        result.append(bigEndian: sum.value)
        result.append(contentsOf: chunk.bytes)
    }
}
