// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import Testing

@Suite struct ChunkCodecTests {
    private let limit = ContentLimits.chunkBytes

    private func malformed(_ chunk: EncodedChunk) -> Bool {
        do {
            _ = try ChunkCodec.decode(chunk)
            return false
        } catch {
            if case .malformed = error { return true }
            return false
        }
    }

    @Test(arguments: [0, 1, 17, 4096, 16 << 10, 64 << 10, 256 << 10, 1 << 20])
    func `every chunk comes back`(size: Int) throws {
        for bytes in [textBytes(size), randomBytes(size, seed: 10), [UInt8](repeating: 0, count: size)] {
            let chunk = ChunkCodec.encode(bytes)
            #expect(chunk.sizeBytes == UInt32(size))
            #expect(try ChunkCodec.decode(chunk) == bytes)
            #expect(try ChunkCodec.decode(chunk, verifying: Hashing.chunkID(of: bytes)) == bytes)
        }
    }

    @Test func `compression is used when it saves an eighth`() {
        let text = ChunkCodec.encode(textBytes(64 << 10))
        #expect(text.encoding == .zstd)
        #expect(text.bytes.count <= (64 << 10) / 8 * 7)
        #expect(ChunkCodec.encode(randomBytes(64 << 10, seed: 11)).encoding == .raw)
        let mostlyRandom = randomBytes(62 << 10, seed: 12) + [UInt8](repeating: 0, count: 2 << 10)
        #expect(ChunkCodec.encode(mostlyRandom).encoding == .raw)
    }

    @Test func `a chunk with another name is a mismatch`() {
        let chunk = ChunkCodec.encode([1, 2, 3])
        #expect {
            try ChunkCodec.decode(chunk, verifying: Hashing.chunkID(of: [1, 2, 4]))
        } throws: {
            if case ContentError.mismatch = $0 { true } else { false }
        }
    }

    @Test func `a chunk above the limit is refused`() {
        let large = [UInt8](repeating: 0, count: limit + 1)
        #expect(malformed(EncodedChunk(encoding: .raw, sizeBytes: UInt32(limit + 1), bytes: large)))
        let frame = ChunkCodec.encode([UInt8](repeating: 0, count: limit)).bytes
        #expect(malformed(EncodedChunk(encoding: .zstd, sizeBytes: UInt32(limit + 1), bytes: frame)))
        #expect(malformed(EncodedChunk(encoding: .zstd, sizeBytes: .max, bytes: frame)))
    }

    @Test func `a size that is not exact is refused`() {
        #expect(malformed(EncodedChunk(encoding: .raw, sizeBytes: 4, bytes: [1, 2, 3])))
        #expect(malformed(EncodedChunk(encoding: .raw, sizeBytes: 2, bytes: [1, 2, 3])))
        var text = ChunkCodec.encode(textBytes(4000))
        #expect(text.encoding == .zstd)
        for size in [3999, 4001, 0] as [UInt32] {
            text.sizeBytes = size
            #expect(malformed(text))
        }
    }

    @Test func `a frame that holds more than it may is refused`() {
        let bomb = ChunkCodec.encode([UInt8](repeating: 0, count: limit))
        #expect(bomb.encoding == .zstd)
        #expect(malformed(EncodedChunk(encoding: .zstd, sizeBytes: 1000, bytes: bomb.bytes)))
        let twice = EncodedChunk(
            encoding: .zstd, sizeBytes: UInt32(limit), bytes: bomb.bytes + bomb.bytes)
        #expect(malformed(twice))
    }

    @Test func `damaged and random frames are refused or come to another name`() {
        let bytes = textBytes(20_000)
        let chunk = ChunkCodec.encode(bytes)
        let id = Hashing.chunkID(of: bytes)
        for index in chunk.bytes.indices {
            var damaged = chunk
            damaged.bytes[index] ^= 0x41
            let decoded = try? ChunkCodec.decode(damaged, verifying: id)
            #expect(decoded == nil || decoded == bytes)
            damaged.bytes = Array(chunk.bytes[..<index])
            #expect(malformed(damaged))
        }
        for seed in 0..<50 as Range<UInt64> {
            let noise = randomBytes(100, seed: seed + 100)
            #expect(malformed(EncodedChunk(encoding: .zstd, sizeBytes: 1000, bytes: noise)))
        }
    }

    @Test func `many threads encode and decode at once`() async {
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<64 {
                group.addTask {
                    let bytes = textBytes(1000 + index * 700)
                    return (try? ChunkCodec.decode(ChunkCodec.encode(bytes))) == bytes
                }
            }
            for await isSame in group { #expect(isSame) }
        }
    }
}
