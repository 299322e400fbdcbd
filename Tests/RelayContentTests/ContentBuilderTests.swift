// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import Testing

@Suite struct ContentBuilderTests {
    private func describe(
        _ bytes: [UInt8], portion: Int, after former: Manifest? = nil
    ) -> ContentDescription {
        var builder = ContentBuilder(after: former)
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

    @Test(arguments: [
        "same", "overwrite", "insert", "delete", "append", "prepend", "cut the end", "cut the start",
        "swap halves", "much inserted", "other", "zeros", "fewer zeros", "small",
    ])
    func `former chunks have no say in the description`(change: String) {
        let zeros = [UInt8](repeating: 0, count: 2 << 20)
        let base = randomBytes(3 << 20, seed: 10) + zeros + textBytes(2 << 20)
        var bytes = base
        switch change {
        case "overwrite": for place in [0, 1_500_000, base.count - 1] { bytes[place] ^= 1 }
        case "insert": bytes.insert(7, at: 1_000_000)
        case "delete": bytes.remove(at: 1_000_000)
        case "append": bytes += randomBytes(700_000, seed: 11)
        case "prepend": bytes = randomBytes(700_000, seed: 11) + bytes
        case "cut the end": bytes.removeLast(1_234_567)
        case "cut the start": bytes.removeFirst(1_234_567)
        case "swap halves": bytes = Array(base[3_000_000...] + base[..<3_000_000])
        case "much inserted": bytes.insert(contentsOf: randomBytes(3 << 20, seed: 11), at: 1_000_000)
        case "other": bytes = randomBytes(5 << 20, seed: 12)
        case "zeros": bytes = zeros + zeros
        case "fewer zeros": bytes.removeSubrange(3 << 20..<4 << 20)
        case "small": bytes = Array(base[..<1000])
        default: break
        }
        let former = describe(base, portion: base.count).manifest
        let expected = describe(bytes, portion: bytes.count)
        for portion in [50_000, 300_000, 1 << 20, 4 << 20] {
            #expect(describe(bytes, portion: portion, after: former) == expected)
        }
    }

    @Test func `a content may end where any former chunk did, or begin as a small one`() {
        let base = randomBytes(1 << 20, seed: 16)
        let former = describe(base, portion: base.count).manifest
        var end = 0
        for chunk in former.chunks {
            end += Int(chunk.sizeBytes)
            let bytes = Array(base[..<end])
            for portion in [base.count, 300_000] {
                #expect(
                    describe(bytes, portion: portion, after: former) == describe(bytes, portion: base.count))
            }
        }
        let small = describe(Array(base[..<5000]), portion: 5000).manifest
        #expect(describe(base, portion: base.count, after: small).manifest == former)
    }

    @Test func `bytes that were cut otherwise are followed as they were cut`() {
        let bytes = randomBytes(3 << 20, seed: 17)
        let size = 20_000
        let cut = stride(from: 0, to: bytes.count, by: size).map { start in
            let part = Array(bytes[start..<min(start + size, bytes.count)])
            return ChunkReference(id: Hashing.chunkID(of: part), sizeBytes: UInt32(part.count))
        }
        for portion in [300_000, 4 << 20] {
            let found = describe(bytes, portion: portion, after: Manifest(cut)).manifest.chunks
            #expect(found.filter { $0.sizeBytes == size }.count > cut.count * 3 / 4)
        }
    }

    @Test func `counted zeros go on with the former chunks behind them`() {
        let (head, tail) = (randomBytes(1 << 20, seed: 13), randomBytes(2 << 20, seed: 14))
        func describe(after former: Manifest?) -> ContentDescription {
            var builder = ContentBuilder(after: former)
            builder.append(head)
            builder.append(zeros: 1 << 30)
            builder.append(tail)
            return builder.finish()
        }
        let whole = describe(after: nil)
        #expect(describe(after: whole.manifest) == whole)
    }

    @Test func `lists that no chunker made do no harm`() {
        let bytes = randomBytes(3 << 20, seed: 15)
        let whole = describe(bytes, portion: bytes.count)
        let last = ChunkReference(id: whole.manifest.chunks[0].id, sizeBytes: 5)
        for size: UInt32 in [0, 1, UInt32(Chunker.minimumBytes) - 1, UInt32(Chunker.maximumBytes) + 1, .max] {
            let odd = ChunkReference(id: whole.manifest.chunks[0].id, sizeBytes: size)
            for former in [
                [odd, last], [odd] + whole.manifest.chunks, whole.manifest.chunks + [odd, odd], [],
            ] {
                #expect(describe(bytes, portion: 1 << 20, after: Manifest(former)) == whole)
            }
        }
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
