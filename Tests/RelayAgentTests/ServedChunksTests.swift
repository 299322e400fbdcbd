// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@testable import RelayAgent

@Suite struct ServedChunksTests {
    private func content(_ number: UInt64) -> ContentID {
        ContentID(Bytes32(number, 0, 0, 0))
    }

    @Test func `a chunk that is asked for again is known`() {
        let served = ServedChunks()
        #expect(served.note(content(1), [0, 63, 64, 1000]).isEmpty)
        #expect(served.note(content(1), [1, 63, 1000, 1001]) == [63, 1000])
        #expect(served.note(content(1), [1, 1001, 0]) == [0, 1, 1001])
        #expect(served.note(content(2), [0, 63]).isEmpty)
        // Twice in one request is once too often as well.
        #expect(served.note(content(2), [7, 7]) == [7])
    }

    @Test func `what cannot be remembered counts as given`() {
        let served = ServedChunks()
        #expect(
            served.note(content(1), [.max, UInt32(ServedChunks.chunks)]) == [
                .max, UInt32(ServedChunks.chunks),
            ])
    }

    @Test func `the contents asked for last are remembered`() {
        let served = ServedChunks()
        for number in 0..<UInt64(ServedChunks.contents) { _ = served.note(content(number), [5]) }
        #expect(served.note(content(0), [5]) == [5])
        // One more than fits: the one that was asked for longest ago goes.
        _ = served.note(content(1000), [5])
        #expect(served.note(content(0), [5]) == [5])
        #expect(served.note(content(1), [5]).isEmpty)
    }

    @Test func `memory is bounded by chunks as well`() {
        let served = ServedChunks()
        let last = UInt32(ServedChunks.chunks - 1)
        _ = served.note(content(1), [3])
        _ = served.note(content(2), [last])
        #expect(served.note(content(1), [3]).isEmpty)
    }
}
