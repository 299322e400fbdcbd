// SPDX-License-Identifier: Apache-2.0

internal import CZstd
package import RelayCore

/// Chunks to the form in which they travel and are stored, and back.
package enum ChunkCodec {
    /// Speed counts: a save is waited for, and levels above gain a few per cent of size.
    static let level: Int32 = 1
    /// Chunks above this size are compressed only if a sample of them promises something.
    static let sampledAboveBytes = 16 << 10
    /// A sample is this many pieces, evenly spread over the chunk.
    static let samplePieces = 4
    static let samplePieceBytes = 1 << 10

    /// The chunk, compressed (one zstd frame) if that saves at least an eighth.
    ///
    /// The bytes are at most `ContentLimits.chunkBytes`; more is a programmer's error.
    package static func encode(_ bytes: UnsafeRawBufferPointer) -> EncodedChunk {
        compressed(bytes) ?? EncodedChunk(encoding: .raw, sizeBytes: size(of: bytes), bytes: Array(bytes))
    }

    /// As above; what is not compressed is not copied either.
    package static func encode(_ bytes: [UInt8]) -> EncodedChunk {
        bytes.withUnsafeBytes { compressed($0) }
            ?? EncodedChunk(
                encoding: .raw, sizeBytes: UInt32(truncatingIfNeeded: bytes.count), bytes: bytes)
    }

    private static func compressed(_ bytes: UnsafeRawBufferPointer) -> EncodedChunk? {
        precondition(bytes.count <= ContentLimits.chunkBytes, "a chunk above the limit is never made")
        guard isPromising(bytes), let frame = compress(bytes, intoBytes: largestFrame(of: bytes.count)) else {
            return nil
        }
        return EncodedChunk(encoding: .zstd, sizeBytes: size(of: bytes), bytes: frame)
    }

    private static func size(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(truncatingIfNeeded: bytes.count)
    }

    /// The chunk's bytes, which are exactly as many as it says and at most `ContentLimits.chunkBytes`.
    ///
    /// Memory is bounded by that limit whatever the chunk holds. Throws `malformed`.
    package static func decode(_ chunk: EncodedChunk) throws(ContentError) -> [UInt8] {
        let size = Int(chunk.sizeBytes)
        guard size <= ContentLimits.chunkBytes else {
            throw .malformed("a chunk of \(size) bytes is above the limit of \(ContentLimits.chunkBytes)")
        }
        switch chunk.encoding {
        case .raw:
            guard chunk.bytes.count == size else {
                throw .malformed("a chunk said to be \(size) bytes has \(chunk.bytes.count)")
            }
            return chunk.bytes
        case .zstd:
            guard chunk.bytes.count < size else {
                throw .malformed("a chunk of \(size) bytes is compressed to \(chunk.bytes.count)")
            }
            return try decompress(chunk.bytes, size: size)
        }
    }

    /// The chunk's bytes, which have this name. Throws `malformed`, and `mismatch` if they have another.
    package static func decode(_ chunk: EncodedChunk, verifying id: ChunkID) throws(ContentError) -> [UInt8] {
        let bytes = try decode(chunk)
        let found = Hashing.chunkID(of: bytes)
        guard found == id else { throw .mismatch("chunk \(id) has the bytes of chunk \(found)") }
        return bytes
    }

    /// A frame of at most this size saves an eighth.
    static func largestFrame(of size: Int) -> Int { size - (size + 7) / 8 }

    /// False if a sample of a large chunk shows that compressing it is wasted time.
    private static func isPromising(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > sampledAboveBytes else { return !bytes.isEmpty }
        var sample: [UInt8] = []
        sample.reserveCapacity(samplePieces * samplePieceBytes)
        let step = bytes.count / samplePieces
        for piece in 0..<samplePieces {
            sample.append(contentsOf: bytes[(piece * step)..<(piece * step + samplePieceBytes)])
        }
        // A sample knows less of the past than the chunk will: a thirty-second is a promise.
        return sample.withUnsafeBytes { compress($0, intoBytes: sample.count - sample.count / 32) } != nil
    }

    /// One zstd frame, or nil if it does not fit into so many bytes.
    private static func compress(_ bytes: UnsafeRawBufferPointer, intoBytes limit: Int) -> [UInt8]? {
        guard limit > 0 else { return nil }
        return CompressionContext.withContext { context -> [UInt8]? in
            let frame = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
                let written = ZSTD_compressCCtx(
                    context.pointer, buffer.baseAddress, limit, bytes.baseAddress, bytes.count, level)
                count = ZSTD_isError(written) == 0 ? written : 0
            }
            return frame.isEmpty ? nil : frame
        }
    }

    private static func decompress(_ frame: [UInt8], size: Int) throws(ContentError) -> [UInt8] {
        var result = 0
        let bytes = DecompressionContext.withContext { context in
            [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                result = frame.withUnsafeBytes {
                    ZSTD_decompressDCtx(context.pointer, buffer.baseAddress, size, $0.baseAddress, $0.count)
                }
                count = ZSTD_isError(result) == 0 ? result : 0
            }
        }
        guard ZSTD_isError(result) == 0 else {
            let cause = ZSTD_getErrorName(result).map { String(cString: $0) } ?? "unknown error"
            throw .malformed("cannot decompress a chunk of \(size) bytes: \(cause)")
        }
        guard bytes.count == size else {
            throw .malformed("a chunk said to be \(size) bytes has \(bytes.count)")
        }
        return bytes
    }
}
