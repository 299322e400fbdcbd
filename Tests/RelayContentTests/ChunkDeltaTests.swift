// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import Testing

@Suite struct ChunkDeltaTests {
    private func reference(_ bytes: [UInt8]) -> ChunkReference {
        ChunkReference(id: Hashing.chunkID(of: bytes), sizeBytes: UInt32(bytes.count))
    }

    private func delta(_ bytes: [UInt8], to base: [UInt8]) throws -> EncodedChunk? {
        let signature = try #require(ChunkSignature(of: base))
        #expect(ChunkSignature(encoded: signature.encoded) == signature)
        return ChunkDelta.make(ChunkCodec.encode(bytes), signature: signature.encoded)
    }

    /// What a small change of 64 KiB costs, for each kind of change.
    @Test(arguments: [
        "overwrite", "insert", "delete", "append", "prepend", "cut the end", "cut the start", "swap halves",
        "same",
        "double",
    ])
    func `a small change is told in little, and comes out whole`(change: String) throws {
        let base = randomBytes(64 << 10, seed: 1)
        var bytes = base
        switch change {
        case "overwrite": bytes[30_000] ^= 1
        case "insert": bytes.insert(7, at: 30_000)
        case "delete": bytes.remove(at: 30_000)
        case "append": bytes += randomBytes(100, seed: 2)
        case "prepend": bytes = randomBytes(100, seed: 2) + bytes
        case "cut the end": bytes.removeLast(1500)
        case "cut the start": bytes.removeFirst(1500)
        case "swap halves": bytes = Array(base[32_000...] + base[..<32_000])
        case "double": bytes = base + base
        default: break
        }
        let delta = try #require(try delta(bytes, to: base))
        #expect(delta.bytes.count < 3 << 10, "\(delta.bytes.count)")
        #expect(try ChunkDelta.apply(delta, to: base, verifying: reference(bytes)) == bytes)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `any two chunks of any sizes come out whole, if a difference pays at all`(seed: UInt64) throws {
        var choices = randomBytes(64, seed: seed + 1).makeIterator()
        func choose(below limit: Int) -> Int {
            (0..<2).reduce(0) { sum, _ in sum << 8 | Int(choices.next() ?? 0) } % limit
        }
        let base = randomBytes(1 + choose(below: 9000), seed: seed + 1000)
        var bytes: [UInt8] = []
        for part in 0...UInt64(choose(below: 5)) {
            if choose(below: 2) == 0 {
                let from = choose(below: base.count)
                bytes += base[from...].prefix(choose(below: base.count))
            } else {
                bytes += randomBytes(choose(below: 600), seed: seed + 2000 + part)
            }
        }
        guard !bytes.isEmpty, let delta = try delta(bytes, to: base) else { return }
        #expect(try ChunkDelta.apply(delta, to: base, verifying: reference(bytes)) == bytes)
    }

    @Test func `blocks that are all alike are told as one`() throws {
        let (before, after) = (randomBytes(20_000, seed: 3), randomBytes(20_000, seed: 4))
        let base = before + [UInt8](repeating: 9, count: 8000) + after
        let bytes = before + [UInt8](repeating: 9, count: 9000) + after
        let delta = try #require(try delta(bytes, to: base))
        #expect(try ChunkDelta.apply(delta, to: base, verifying: reference(bytes)) == bytes)
    }

    @Test(arguments: [(4_000, false), (10_000, true), (40_000, true)])
    func `a difference is told if it saves an eighth`(common: Int, isTold: Bool) throws {
        let base = randomBytes(64 << 10, seed: 1)
        let bytes = base[..<common] + randomBytes((64 << 10) - common, seed: 2)
        let delta = try delta(Array(bytes), to: base)
        #expect((delta != nil) == isTold)
        if let delta {
            #expect(try ChunkDelta.apply(delta, to: base, verifying: reference(Array(bytes))) == Array(bytes))
        }
    }

    @Test func `what has nothing in common is told as it is`() throws {
        #expect(try delta(randomBytes(64 << 10, seed: 1), to: randomBytes(64 << 10, seed: 2)) == nil)
        #expect(ChunkSignature(of: []) == nil)
        #expect(ChunkSignature(of: [UInt8](repeating: 0, count: ContentLimits.chunkBytes + 1)) == nil)
    }

    @Test func `another base makes another chunk, and that is noticed`() throws {
        let base = randomBytes(64 << 10, seed: 1)
        var bytes = base
        bytes[5] ^= 1
        let delta = try #require(try delta(bytes, to: base))
        var other = base
        other[40_000] ^= 1
        #expect(throws: ContentError.self) {
            try ChunkDelta.apply(delta, to: other, verifying: reference(bytes))
        }
        #expect(throws: ContentError.self) {
            try ChunkDelta.apply(delta, to: [], verifying: reference(bytes))
        }
    }

    @Test func `signatures that are none are told apart`() throws {
        let good = try #require(ChunkSignature(of: randomBytes(3000, seed: 1))).encoded
        let others: [[UInt8]] = [
            [], Array(good.dropLast()), good + [0], [0, 0, 0, 0], [255, 255, 255, 255] + good.dropFirst(4),
        ]
        for other in others { #expect(ChunkSignature(encoded: other) == nil) }
        let chunk = ChunkCodec.encode(randomBytes(3000, seed: 1))
        #expect(ChunkDelta.make(chunk, signature: Array(good.dropLast())) == nil)
    }

    /// Scripts of an attacker: each is refused, whatever is in it.
    @Test func `a difference that is none is refused`() throws {
        let base = randomBytes(2000, seed: 1)
        let wanted = reference(Array(base.prefix(100)))
        let scripts: [[UInt8]] = [
            [0], [1], [200], [201], [0x80, 0x80, 0x80, 0x80, 0x80], [201, 1, 0xff, 0xff, 0x7f], [8, 1],
            [201, 1], [201, 1, 0], [201, 1, 0, 2, 1],
        ]
        for script in scripts {
            let delta = EncodedChunk(encoding: .raw, sizeBytes: UInt32(script.count), bytes: script)
            #expect(throws: ContentError.self, "\(script)") {
                try ChunkDelta.apply(
                    delta, to: Array(base.prefix(99)), verifying: wanted)
            }
        }
        for seed in 1...2000 as ClosedRange<UInt64> {
            let script = randomBytes(1 + Int(seed % 30), seed: seed)
            let delta = EncodedChunk(encoding: .raw, sizeBytes: UInt32(script.count), bytes: script)
            #expect(throws: ContentError.self) { try ChunkDelta.apply(delta, to: base, verifying: wanted) }
        }
    }
}
