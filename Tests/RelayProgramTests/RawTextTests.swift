// SPDX-License-Identifier: Apache-2.0

import RelayProgram
import Testing

@Suite struct RawTextTests {
    @Test(
        arguments: [
            Array("plain".utf8), Array("ünï 計画".utf8), [0xff, 0x41, 0xc3], [0xf4, 0x8f, 0xbc, 0x80], [],
            (0...255).map { UInt8($0) }, [0xe8, 0xa8], [0xed, 0xa0, 0x80],
        ] as [[UInt8]])
    func `bytes are the same after their text`(bytes: [UInt8]) {
        #expect(RawText.bytes(RawText.text(bytes)) == bytes)
    }

    @Test func `valid text is itself`() {
        #expect(RawText.text(Array("naïve".utf8)) == "naïve")
    }
}
