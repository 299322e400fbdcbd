// SPDX-License-Identifier: Apache-2.0

import RelayContent
import Testing

@Suite struct ChunkerTests {
    private func lengths(_ bytes: [UInt8]) -> [Int] {
        bytes.withUnsafeBytes { bytes in
            var result: [Int] = []
            var rest = bytes
            while !rest.isEmpty, let length = Chunker.firstChunkLength(in: rest, isEnd: true) {
                result.append(length)
                rest = UnsafeRawBufferPointer(rebasing: rest[length...])
            }
            return result
        }
    }

    private func firstLength(_ bytes: [UInt8], isEnd: Bool) -> Int? {
        bytes.withUnsafeBytes { Chunker.firstChunkLength(in: $0, isEnd: isEnd) }
    }

    @Test func `known bytes are cut at known places`() {
        #expect(
            lengths(randomBytes(600_000, seed: 1)) == [
                58432, 68506, 59103, 68526, 58482, 68135, 71417, 91259, 42258, 13882,
            ])
        #expect(
            lengths(textBytes(600_000)) == [
                74731, 32305, 61618, 29251, 57906, 58095, 68298, 73149, 62114, 18485, 64048,
            ])
    }

    @Test func `chunks keep the least, the greatest and about the average size`() {
        let all = lengths(randomBytes(16 << 20, seed: 2))
        #expect(all.reduce(0, +) == 16 << 20)
        #expect(all.dropLast().allSatisfy { $0 >= Chunker.minimumBytes && $0 <= Chunker.maximumBytes })
        let average = (16 << 20) / all.count
        #expect(average > 56 << 10 && average < 72 << 10)
    }

    @Test func `bytes without a cut are cut at the greatest size`() {
        let zeros = [UInt8](repeating: 0, count: Chunker.maximumBytes + 1)
        #expect(lengths(zeros) == [Chunker.maximumBytes, 1])
    }

    @Test func `an insertion moves only the cuts near it`() {
        let original = randomBytes(4 << 20, seed: 3)
        var edited = original
        edited.insert(contentsOf: Array("inserted".utf8), at: 1 << 20)
        func ends(_ bytes: [UInt8]) -> [Int] {
            lengths(bytes).reduce(into: []) { $0.append(($0.last ?? 0) + $1) }
        }
        let before = Set(ends(original).map { $0 > 1 << 20 ? $0 + 8 : $0 })
        let moved = Set(ends(edited)).subtracting(before)
        #expect(moved.count <= 3)
    }

    @Test func `more bytes are asked for until a cut is certain`() {
        let bytes = randomBytes(Chunker.maximumBytes, seed: 4)
        let first = firstLength(bytes, isEnd: false)
        #expect(first != nil)
        for count in stride(from: 0, through: bytes.count, by: 997) {
            let early = firstLength(Array(bytes[..<count]), isEnd: false)
            #expect(early == nil || early == first)
            if let first, count > first { #expect(early == first) }
        }
    }

    @Test func `the end is a cut`() {
        #expect(firstLength([], isEnd: false) == nil)
        #expect(firstLength([], isEnd: true) == 0)
        #expect(firstLength([1], isEnd: false) == nil)
        #expect(firstLength([1], isEnd: true) == 1)
        let least = randomBytes(Chunker.minimumBytes, seed: 5)
        #expect(firstLength(least, isEnd: true) == Chunker.minimumBytes)
    }
}
