// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@testable import RelayWire

@Suite struct JoinLinkTests {
    private static let hub = DeviceID(Bytes32(1, 2, 3, 4))
    private static let token: [UInt8] = Array(0xa0..<0xb0)
    private static let secrets = "#hub=\(hub)&token=\(hexadecimal(token))"

    private static func link(_ host: String, _ share: String = "photos") -> JoinLink {
        JoinLink(host: host, port: 4817, share: share, hub: hub, token: token)
    }

    @Test(arguments: [
        (link("hub.example.org"), "relay://hub.example.org:4817/photos"),
        (link("10.0.0.1"), "relay://10.0.0.1:4817/photos"),
        (link("2001:db8::1"), "relay://[2001:db8::1]:4817/photos"),
        (link("fe80::1%eth0"), "relay://[fe80::1%eth0]:4817/photos"),
        (link("h", "Fotos & mehr/ä#?"), "relay://h:4817/Fotos%20%26%20mehr%2F%C3%A4%23%3F"),
    ])
    func `a link says what it was made of`(_ link: JoinLink, _ text: String) throws {
        #expect(link.description == text + Self.secrets)
        #expect(try JoinLink(parsing: link.description) == link)
    }

    @Test func `case, order and parts of later versions do not matter`() throws {
        let token = hexadecimal(Self.token)
        let text = "RELAY://h:4817/photos#more=1&token=\(token.uppercased())&hub=\(Self.hub)"
        #expect(try JoinLink(parsing: text) == Self.link("h"))
    }

    @Test(arguments: [
        ("http://h:1/s" + secrets, "does not begin with relay://"),
        ("", "does not begin with relay://"),
        ("relay://h:1/s", "after a #, is missing"),
        ("relay://h:1" + secrets, "share's name, after a /, is missing"),
        ("relay://h:1/" + secrets, "share's name is missing"),
        ("relay://h/s" + secrets, "port is missing"),
        ("relay://[::1]/s" + secrets, "port is missing"),
        ("relay://h:/s" + secrets, "is no port"), ("relay://h:0/s" + secrets, "0 is no port"),
        ("relay://h:65536/s" + secrets, "65536 is no port"),
        ("relay://h:+1/s" + secrets, "is no port"),
        ("relay://h:99999999999999999999/s" + secrets, "is no port"),
        ("relay://:1/s" + secrets, "host is missing"), ("relay://a b:1/s" + secrets, "is no host"),
        ("relay://::1:1/s" + secrets, "is no host"), ("relay://[::g]:1/s" + secrets, "is no host"),
        ("relay://[::1:1/s" + secrets, "is no host"), ("relay://u@h:1/s" + secrets, "is no host"),
        ("relay://h:1/%zz" + secrets, "no name of a share"),
        ("relay://h:1/%ff" + secrets, "no name of a share"),
        ("relay://h:1/a%0Ab" + secrets, "no name of a share"),
        ("relay://h:1/s#token=" + hexadecimal(token), "fingerprint (hub=) is missing"),
        ("relay://h:1/s#hub=12&token=" + hexadecimal(token), "not 64 hexadecimal digits"),
        ("relay://h:1/s#hub=\(hub)", "token (token=) is missing"),
        ("relay://h:1/s#hub=\(hub)&token=00", "not 32 to 128 hexadecimal digits"),
        ("relay://h:1/s#hub=\(hub)&token=" + String(repeating: "z", count: 32), "hexadecimal digits"),
        ("relay://h:1/s" + secrets + "&hub=\(hub)", "fingerprint"),
        ("relay://h:1/s" + secrets + String(repeating: "&a=b", count: 600), "more than 2048 bytes"),
    ])
    func `what is wrong with a link is said without its secret`(_ text: String, _ cause: String) {
        #expect {
            try JoinLink(parsing: text)
        } throws: { error in
            guard case .invalidLink(let message)? = error as? WireError else { return false }
            return message.contains(cause) && !message.contains(hexadecimal(Self.token))
        }
    }

    @Test func `a link that is printed for debugging keeps its secret`() {
        #expect(!String(reflecting: Self.link("h")).contains(hexadecimal(Self.token)))
    }
}
