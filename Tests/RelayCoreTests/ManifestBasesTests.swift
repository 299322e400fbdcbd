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

    @Test func `a large part that is new has no base`() {
        #expect(bases([0] + (100..<108) + [9], 0..<10).count == 8)
        #expect(bases([0] + (100..<109) + [9], 0..<10) == [:])
    }
}
