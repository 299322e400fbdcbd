// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import Testing

@Suite struct ContentBuilderTests {
    private func describe(_ bytes: [UInt8], portion: Int) -> ContentDescription {
        var builder = ContentBuilder()
        var start = 0
        while start < bytes.count {
            let end = min(start + portion, bytes.count)
            bytes.withUnsafeBytes { builder.append(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
            start = end
        }
        return builder.finish()
    }

    @Test func `an empty content has no chunk`() {
        var builder = ContentBuilder()
        let description = builder.finish()
        #expect(description.manifest.chunks.isEmpty)
        #expect(description.sizeBytes == 0)
        #expect(description.inline == nil)
        #expect(description.content == Hashing.contentID(of: Manifest([])))
    }

    @Test(arguments: [1, 100, 16 << 10, ContentLimits.inlineBytes])
    func `a small content is one chunk and is carried along`(size: Int) throws {
        let bytes = textBytes(size)
        let description = describe(bytes, portion: 4096)
        #expect(description.manifest.chunks.map(\.sizeBytes) == [UInt32(size)])
        let inline = try #require(description.inline)
        #expect(try ChunkCodec.decode(inline, verifying: description.manifest.chunks[0].id) == bytes)
    }

    @Test func `one byte more than small is cut and not carried along`() {
        let description = describe(randomBytes(ContentLimits.inlineBytes + 1, seed: 6), portion: 1 << 20)
        #expect(description.inline == nil)
        #expect(description.sizeBytes == UInt64(ContentLimits.inlineBytes + 1))
        #expect(description.manifest.sizeBytes == description.sizeBytes)
    }

    @Test func `the description does not depend on the portions`() {
        let bytes = randomBytes(2 << 20, seed: 7) + [UInt8](repeating: 0, count: 700_000) + textBytes(300_000)
        let whole = describe(bytes, portion: bytes.count)
        for portion in [1000, 4096, 65_536, 100_003, Chunker.maximumBytes, 1 << 20] {
            #expect(describe(bytes, portion: portion) == whole)
        }
    }

    @Test(
        arguments: [0, 1, 300, 200_000, Chunker.maximumBytes, Chunker.maximumBytes + 1],
        [0, 1, 70_000, 300_000]
    )
    func `zeros that are counted are as good as zeros that are read`(before: Int, after: Int) {
        for zeros in [
            1, 65_535, 65_537, Chunker.maximumBytes - 1, Chunker.maximumBytes, Chunker.maximumBytes + 1,
            3 * Chunker.maximumBytes - 7,
        ] {
            let (head, tail) = (randomBytes(before, seed: 3), randomBytes(after, seed: 4))
            let whole = describe(head + [UInt8](repeating: 0, count: zeros) + tail, portion: 1 << 20)
            for parts in [[zeros], [zeros / 3, zeros - zeros / 3]] {
                var builder = ContentBuilder()
                builder.append(head)
                for part in parts { builder.append(zeros: UInt64(part)) }
                builder.append(tail)
                #expect(builder.finish() == whole, "\(before) \(zeros) \(after)")
            }
        }
    }

    @Test func `64 GiB of zeros are counted, not hashed`() {
        var builder = ContentBuilder()
        builder.append(randomBytes(100_000, seed: 5))
        builder.append(zeros: 1 << 36)
        builder.append(randomBytes(100_000, seed: 6))
        let begin = ContinuousClock.now
        let chunks = builder.finish().manifest.chunks
        #expect(chunks.reduce(0) { $0 + UInt64($1.sizeBytes) } == (1 << 36) + 200_000)
        #expect(ContinuousClock.now - begin < .seconds(30))
        #expect(chunks.contains(ZeroChunk.reference))
    }

    @Test func `the chunks in their order are the content`() {
        let bytes = randomBytes(1 << 20, seed: 8) + textBytes(500_000)
        let description = describe(bytes, portion: 50_000)
        var start = 0
        for chunk in description.manifest.chunks {
            let end = start + Int(chunk.sizeBytes)
            #expect(Hashing.chunkID(of: Array(bytes[start..<end])) == chunk.id)
            start = end
        }
        #expect(start == bytes.count)
        #expect(description.sizeBytes == UInt64(bytes.count))
    }

    @Test func `a builder can be used again`() {
        var builder = ContentBuilder()
        builder.append(randomBytes(300_000, seed: 9))
        _ = builder.finish()
        builder.append([1, 2, 3])
        #expect(builder.finish() == describe([1, 2, 3], portion: 1))
    }
}
