// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RelayCore

@Suite struct ManifestBasesTests {
    private func list(_ numbers: some Sequence<Int>) -> Manifest {
        Manifest(numbers.map { ChunkReference(id: ChunkID(Bytes32(UInt64($0), 1, 1, 1)), sizeBytes: 100) })
    }

    /// The bases of all chunks that the former list lacks.
    private func bases(_ numbers: [Int], _ former: some Sequence<Int>) -> [Int: Int] {
        let known = Set(former)
        let missing = numbers.indices.filter { !known.contains(numbers[$0]) }
        return list(numbers).bases(of: missing, in: list(Array(known).sorted()))
    }

    @Test func `a chunk that changed stands between its neighbours`() {
        #expect(bases([0, 1, 99, 3], 0..<4) == [2: 2])
        #expect(bases([99, 1, 2, 3], 0..<4) == [0: 0])
        #expect(bases([0, 1, 2, 99], 0..<4) == [3: 3])
        #expect(bases([99], 0..<1) == [0: 0])
        #expect(bases([98, 1, 99, 3], 0..<4) == [0: 0, 2: 2])
    }

    @Test func `a chunk that became two has one base, and two that became one the first`() {
        #expect(bases([0, 98, 99, 2], 0..<3) == [1: 1, 2: 1])
        #expect(bases([0, 99, 3], 0..<4) == [1: 1])
        #expect(bases([0, 97, 98, 99, 3], 0..<4) == [1: 1, 2: 2, 3: 2])
    }

    @Test func `what is between no former neighbours has no base`() {
        // Inserted, and nothing went for it.
        #expect(bases([0, 1, 99, 2, 3], 0..<4) == [:])
        // Its neighbours changed places.
        #expect(bases([3, 99, 0], 0..<4) == [:])
        #expect(bases([], 0..<4) == [:] && bases([99], []) == [:])
    }

    @Test func `of a large part that is new only the ends have a base`() {
        #expect(bases([0] + (100..<108) + [9], 0..<10).count == 8)
        #expect(bases([0] + (100..<109) + [9], 0..<10) == [1: 1, 9: 8])
        // Inserted within one chunk, and then between two.
        #expect(bases([0] + (100..<120) + [2], 0..<3) == [1: 1, 20: 1])
        #expect(bases([0] + (100..<120) + [1], 0..<2) == [:])
    }

    @Test func `the ends of what is nearly all of a content are not looked for`() {
        let (former, most) = (list(0..<2), 1024)
        #expect(list([0] + (100..<100 + most) + [2]).bases(of: [1], in: former) == [:])
        #expect(list([0] + (100..<100 + most)).bases(of: [1], in: former) == [1: 1])
        #expect(list([0] + (100..<101 + most)).bases(of: [1, 500, most], in: former) == [:])
    }

    @Test func `what else is wanted does not matter`() {
        let (former, new) = (list(0..<10), list([0] + (100..<109) + [9]))
        #expect(new.bases(of: [1, 2, 3], in: former) == [1: 1])
        #expect(new.bases(of: [8, 9], in: former) == [9: 8])
        #expect(new.bases(of: [5], in: former) == [:])
        let few = list([0, 97, 98, 99, 3])
        #expect(few.bases(of: [2], in: list(0..<4)) == [2: 2])
        #expect(few.bases(of: [0, 2, 4], in: list(0..<4)) == [2: 2])
    }

    @Test func `what is appended goes on from the last chunk, and what is prepended ends with the first`() {
        #expect(bases([0, 1] + (100..<120), 0..<3) == [2: 2])
        #expect(bases((100..<120) + [1, 2], 0..<3) == [19: 0])
        #expect(bases(Array(100..<120), 0..<3) == [:])
    }
}
