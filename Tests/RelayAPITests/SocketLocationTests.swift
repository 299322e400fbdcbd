// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@Suite struct SocketLocationTests {
    @Test func `a socket is in its state directory as long as its birthplace fits an address`() {
        let longest = "/" + String(repeating: "x", count: SocketLocation.limitBytes - 14)
        let socket = SocketLocation.direct(stateDirectory: longest)
        #expect(socket == longest + "/api.sock")
        #expect(SocketLocation.birthplace(of: longest + "/api.sock").utf8.count == SocketLocation.limitBytes)
        #expect(SocketLocation.direct(stateDirectory: longest + "x") == nil)
    }

    @Test func `short paths differ by directory and fit`() {
        let long = String(repeating: "/directory", count: 30)
        let first = SocketLocation.short(stateDirectory: long, runtimeDirectory: "/run/user/1000/relay")
        let second = SocketLocation.short(
            stateDirectory: long + "2", runtimeDirectory: "/run/user/1000/relay")
        #expect(first != nil && second != nil && first != second)
        #expect(SocketLocation.short(stateDirectory: long, runtimeDirectory: long) == nil)
    }

    @Test(arguments: [
        (Timestamp(seconds: 0, nanoseconds: 0), "0.000000000"),
        (Timestamp(seconds: 1_700_000_000, nanoseconds: 1), "1700000000.000000001"),
        (Timestamp(seconds: -1, nanoseconds: 500_000_000), "-0.500000000"),
        (Timestamp(seconds: -2, nanoseconds: 999_999_999), "-1.000000001"),
        (Timestamp(seconds: -2, nanoseconds: 0), "-2.000000000"),
    ])
    func `a time is the same after its text`(time: Timestamp, text: String) {
        #expect(time.decimalText == text)
        #expect(Timestamp(decimalText: text) == time)
    }

    @Test func `odd times are refused or understood`() {
        #expect(Timestamp(decimalText: "5") == Timestamp(seconds: 5, nanoseconds: 0))
        #expect(Timestamp(decimalText: "5.5") == Timestamp(seconds: 5, nanoseconds: 500_000_000))
        for text in ["", ".", "5.", ".5", "x", "1.0000000001", "99999999999999999999", "1.-5"] {
            #expect(Timestamp(decimalText: text) == nil, "\(text)")
        }
        #expect(Timestamp(decimalText: "\(Int64.min).5") == nil)
    }

    @Test func `percent encoding keeps all bytes`() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(percentDecoded(percentEncoded(bytes)) == bytes)
        #expect(percentEncoded(Array("a b/ü".utf8)) == "a%20b%2F%C3%BC")
        #expect(percentDecoded("%4") == nil)
        #expect(percentDecoded("%zz") == nil)
    }
}
