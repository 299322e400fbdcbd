// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RelayStorage

@Suite struct CRC32CTests {
    @Test func `the check value of the catalogues comes out`() {
        let sum = Array("123456789".utf8).withUnsafeBytes { CRC32C.checksum($0) }
        #expect(sum == 0xe306_9283)
    }

    @Test func `processor and tables agree, however the bytes are cut`() {
        var state: UInt64 = 88
        let bytes = (0..<1000).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return UInt8(truncatingIfNeeded: state >> 33)
        }
        for length in [0, 1, 7, 8, 9, 15, 64, 999, 1000] {
            for cut in [0, 1, 3, 8, length / 2] where cut <= length {
                var (whole, parts, tables) = (CRC32C(), CRC32C(), CRC32C())
                bytes.withUnsafeBytes { bytes in
                    whole.add(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
                    parts.add(UnsafeRawBufferPointer(rebasing: bytes[..<cut]))
                    parts.add(UnsafeRawBufferPointer(rebasing: bytes[cut..<length]))
                    tables.addByTables(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
                }
                #expect(whole.value == tables.value && parts.value == tables.value)
            }
        }
    }
}
