// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@testable import RelayContent

@Suite struct SharedCuttingTests {
    private static let bytes = randomBytes(3 << 20, seed: 18)
    private let chunks = SharedCuttingTests.bytes.withUnsafeBytes { SharedCutting.chunks(of: $0) }

    private func count(_ chunks: ArraySlice<ChunkReference>, in bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { SharedCutting.count(of: chunks, in: $0) }
    }

    @Test func `all chunks are found where they are all there`() {
        #expect(chunks.count > 20)
        #expect(count(chunks[...], in: Self.bytes) == chunks.count)
        #expect(count(chunks[..<3], in: Self.bytes) == 3)
        #expect(count([], in: Self.bytes) == 0 && count([], in: []) == 0)
    }

    @Test func `those before the first that is another count`() {
        var offset = 0
        for (index, chunk) in chunks.enumerated() {
            var bytes = Self.bytes
            bytes[offset + Int(chunk.sizeBytes) / 2] ^= 1
            #expect(count(chunks[...], in: bytes) == index)
            bytes[0] ^= 2
            #expect(count(chunks[...], in: bytes) == 0)
            bytes[0] ^= 2
            if index < 5 { #expect(count(chunks[..<5], in: bytes) == index) }
            offset += Int(chunk.sizeBytes)
        }
    }

    @Test func `a chunk in another place is another`() {
        #expect(count(chunks[1...], in: Self.bytes) == 0)
    }
}
