// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@testable import RelayContent

@Suite struct FormerChunksTests {
    private static let size = 50_000

    private func chunk(_ number: UInt64) -> ChunkReference {
        ChunkReference(id: ChunkID(Bytes32(number, 1, 1, 1)), sizeBytes: UInt32(Self.size))
    }

    private func list(_ numbers: some Sequence<UInt64>) -> FormerChunks {
        FormerChunks(Manifest(numbers.map(chunk)))
    }

    @Test func `chunks are likely in their order, but for the last, which ends where the content did`() {
        var former = list(0..<4)
        #expect(Array(former.next(within: Self.size * 10)) == [0, 1, 2].map(chunk))
        #expect(Array(former.next(within: Self.size * 2)) == [0, 1].map(chunk))
        #expect(former.next(within: Self.size - 1).isEmpty)
        former.cameNext(2)
        #expect(Array(former.next(within: Self.size * 10)) == [chunk(2)])
        former.cameNext(1)
        #expect(former.next(within: Self.size * 10).isEmpty)
    }

    @Test func `what follows a chunk that was there before is likely again`() {
        var former = list(0..<10)
        former.cameNext(2)
        former.fellOutOfStep()
        #expect(former.next(within: Self.size * 10).isEmpty)
        // One that is new, in place of 2, or before it.
        former.came(chunk(99))
        #expect(former.next(within: Self.size * 10).isEmpty)
        former.came(chunk(3))
        #expect(former.next(within: Self.size).first == chunk(4))
        // 4 to 6 are gone.
        former.came(chunk(7))
        #expect(former.next(within: Self.size).first == chunk(8))
        // Another one than was likely.
        former.came(chunk(98))
        #expect(former.next(within: Self.size).isEmpty)
    }

    @Test func `strangers are no small change when they are many, nor is what is beyond the last`() {
        var former = list(0..<3)
        #expect(former.isNear)
        for number in 100..<115 as Range<UInt64> { former.came(chunk(number)) }
        #expect(former.isNear)
        former.came(chunk(99))
        #expect(!former.isNear)
        former.came(chunk(0))
        #expect(former.isNear)
        former.cameNext(1)
        #expect(!former.isNear && !list([]).isNear && !list([1]).isNear)
    }

    @Test func `zeros in another place lead nowhere`() {
        let zeros = ZeroChunk.reference
        var former = FormerChunks(Manifest([chunk(0), chunk(1), zeros, chunk(2), chunk(3)]))
        former.came(chunk(0))
        former.came(zeros)
        #expect(former.next(within: Self.size).isEmpty)
        former.came(chunk(1))
        former.came(zeros)
        #expect(former.next(within: Self.size).first == chunk(2))
    }

    @Test func `zeros that are counted are passed over`() {
        let zeros = [ChunkReference](repeating: ZeroChunk.reference, count: 3)
        var former = FormerChunks(Manifest(zeros + [chunk(1), chunk(2)]))
        former.cameZeros(2)
        #expect(former.next(within: Chunker.maximumBytes).first == ZeroChunk.reference)
        former.cameZeros(5)
        #expect(former.next(within: Self.size).first == chunk(1))
    }
}
