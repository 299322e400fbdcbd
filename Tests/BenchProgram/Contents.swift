// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore

extension Measuring {
    /// Chunks, hashes and compression.
    func contents() throws {
        let random = Samples.noise(32 << 20)
        let text = Samples.text(8 << 20)
        try measure("hash: SHA-256", .bytes(random.count)) { keep(Hashing.sha256(random)) }
        try measure("hash: SHA-256 of 4 KiB", .items(2000, "content")) {
            for index in 0..<2000 {
                random.withUnsafeBytes { bytes in
                    keep(
                        Hashing.sha256(
                            UnsafeRawBufferPointer(rebasing: bytes[index << 12..<(index + 1) << 12])))
                }
            }
        }
        try measure("chunker: boundaries", .bytes(random.count)) {
            random.withUnsafeBytes { bytes in
                var start = 0
                while start < bytes.count {
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
                    start += Chunker.firstChunkLength(in: rest, isEnd: true) ?? rest.count
                }
            }
        }
        try measure("chunker: boundaries and ids", .bytes(random.count)) {
            var builder = ContentBuilder()
            builder.append(random)
            keep(builder.finish())
        }
        let pieces = (0..<64).map { Array(text[$0 << 17..<($0 + 1) << 17]) }
        try measure("codec: compress text", .bytes(text.count)) {
            for piece in pieces { keep(ChunkCodec.encode(piece)) }
        }
        let noise = (0..<64).map { Array(random[$0 << 17..<($0 + 1) << 17]) }
        try measure("codec: find noise incompressible", .bytes(64 << 17)) {
            for piece in noise { keep(ChunkCodec.encode(piece)) }
        }
        let encoded = pieces.map { (ChunkCodec.encode($0), Hashing.chunkID(of: $0)) }
        try measure("codec: decompress and verify text", .bytes(text.count)) {
            for (chunk, id) in encoded { keep(try ChunkCodec.decode(chunk, verifying: id)) }
        }
    }
}

/// Bytes to work on, the same in every run.
enum Samples {
    static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            for index in 0..<count {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                buffer[index] = UInt8(truncatingIfNeeded: state >> 24)
            }
            filled = count
        }
    }

    static func text(_ count: Int) -> [UInt8] {
        let words = ["the", "folder", "agent", "keeps", "hub", "of", "order", "a", "change", "and", "file"]
        let letters = noise(count / 4)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 16)
        for letter in letters {
            bytes += Array(words[Int(letter) % words.count].utf8) + [0x20]
            if bytes.count >= count { break }
        }
        while bytes.count < count { bytes.append(0x2e) }
        return Array(bytes.prefix(count))
    }
}

/// Has the compiler not leave out what nobody uses.
@inline(never) func keep<Value>(_ value: Value) {}
