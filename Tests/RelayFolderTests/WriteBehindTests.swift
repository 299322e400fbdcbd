// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RelayFolder

@Suite struct WriteBehindTests {
    private let portion = WriteBehind.portionBytes

    @Test func `a file smaller than a portion is left to the sync`() {
        var progress = WriteBehind.Progress()
        let half = portion / 2
        #expect(progress.note(0..<half) == nil && progress.note(half..<portion - 1) == nil)
    }

    @Test func `a portion is written once it is complete, in whatever order its bytes came`() {
        var progress = WriteBehind.Progress()
        let half = portion / 2
        #expect(progress.note(half..<portion) == nil)
        #expect(progress.note(0..<half) == WriteBehind.Advice(write: 0..<portion, giveBack: nil))
        #expect(progress.note(portion..<portion + 1) == nil)
        let next = portion + 1..<portion * 2
        #expect(progress.note(next)?.write == portion..<portion * 2)
    }

    @Test func `of a large file what was written last stays in memory`() {
        var progress = WriteBehind.Progress()
        var given: [Range<UInt64>] = []
        for index in 0..<UInt64(WriteBehind.keptPortions + 3) {
            let advice = progress.note(index * portion..<(index + 1) * portion)
            #expect(advice?.write == index * portion..<(index + 1) * portion)
            if let range = advice?.giveBack { given.append(range) }
        }
        #expect(given == (0..<3).map { $0 * portion..<($0 + 1) * portion })
    }
}
