// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayProgram
import Testing

@Suite struct TypedValueTests {
    @Test(
        arguments: [
            ("0", 0), ("500", 500), ("1K", 1024), ("500m", 500 << 20), ("20G", 20 << 30), ("3T", 3 << 40),
            ("2GiB", 2 << 30), ("2gb", 2 << 30), ("10B", 10),
        ] as [(String, UInt64)])
    func `sizes are typed with units`(text: String, bytes: UInt64) throws {
        #expect(try SizeText.bytes(text) == bytes)
    }

    @Test(arguments: ["", "K", "-1", "1.5G", "1 G", "1X", "99999999999T", "18446744073709551616", "+1"])
    func `what is no size is refused`(text: String) {
        #expect(throws: ControlError.self) { try SizeText.bytes(text) }
    }

    @Test func `durations are typed with a unit`() throws {
        #expect(try DurationText.duration("30d") == .seconds(30 * 24 * 3600))
        #expect(try DurationText.duration("12h") == .seconds(12 * 3600))
        #expect(try DurationText.duration("90m") == .seconds(5400))
        #expect(try DurationText.duration("0s") == .zero)
        #expect(try DurationText.duration("forever") == nil)
        for text in ["", "d", "30", "-1d", "1.5h", "1 d", "1w", "99999999999d", "+1d", "Forever"] {
            #expect(throws: ControlError.self) { try DurationText.duration(text) }
        }
    }

    @Test(arguments: [
        ("hub:99", "hub", 99, "hub:7"), ("hub", "hub", 4817, "hub:7"),
        ("10.0.0.1:0", "10.0.0.1", 0, "10.0.0.1:7"),
        ("[::1]:99", "::1", 99, "[::1]:7"), ("[::]", "::", 4817, "[::]:7"),
        ("fe80::1", "fe80::1", 4817, "[fe80::1]:7"),
    ])
    func `addresses are typed with or without a port`(
        text: String, host: String, port: Int, shown: String
    ) throws {
        let address = try NetworkAddress(text, defaultPort: 4817)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.text(port: 7) == shown)
    }

    @Test(arguments: ["", ":99", "hub:", "hub:x", "hub:65536", "hub:-1", "[::1", "[]:1", "a b:1", "[::1]x:1"])
    func `what is no address is refused`(text: String) {
        #expect(throws: ControlError.self) { try NetworkAddress(text, defaultPort: 4817) }
    }
}
