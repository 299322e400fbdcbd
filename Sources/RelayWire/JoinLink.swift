// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore

/// What a person gives a machine so that it may join a share: where the hub is, which key it has, and a
/// single-use secret. `relay://HOST:PORT/SHARE#hub=FINGERPRINT&token=SECRET`.
package struct JoinLink: Hashable, Sendable {
    /// A name or address; IPv6 addresses without brackets.
    package var host: String
    package var port: Int
    /// The share's name.
    package var share: String
    package var hub: DeviceID
    package var token: [UInt8]

    package init(host: String, port: Int, share: String, hub: DeviceID, token: [UInt8]) {
        self.host = host
        self.port = port
        self.share = share
        self.hub = hub
        self.token = token
    }

    /// Throws `invalidLink`, which says what is wrong and never quotes the secret.
    package init(parsing text: String) throws(WireError) {
        let scheme = "relay://"
        guard text.utf8.count <= 2048 else { throw Self.invalid("it has more than 2048 bytes") }
        guard text.prefix(scheme.count).lowercased() == scheme else {
            throw Self.invalid("it does not begin with \(scheme)")
        }
        let rest = text.dropFirst(scheme.count)
        guard let fragmentStart = rest.firstIndex(of: "#") else {
            throw Self.invalid("the part with hub and token, after a #, is missing")
        }
        let location = rest[..<fragmentStart]
        guard let slash = location.firstIndex(of: "/") else {
            throw Self.invalid("the share's name, after a /, is missing")
        }
        (host, port) = try Self.address(location[..<slash])
        share = try Self.share(location[location.index(after: slash)...])
        (hub, token) = try Self.secrets(rest[rest.index(after: fragmentStart)...])
    }

    private static func address(_ text: Substring) throws(WireError) -> (String, Int) {
        guard let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") else {
            throw invalid("the port is missing")
        }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
            (1...65535).contains(port)
        else { throw invalid("\(displayText(Array(digits.utf8))) is no port") }
        return (try host(text[..<colon]), port)
    }

    private static func host(_ text: Substring) throws(WireError) -> String {
        guard !text.isEmpty else { throw invalid("the host is missing") }
        let wrong = invalid("\(displayText(Array(text.utf8))) is no host")
        if text.hasPrefix("[") {
            let address = String(text.dropFirst().dropLast())
            // A zone (`%eth0`) belongs to one machine's interface; the rest must be an address.
            let bare = String(address.prefix { $0 != "%" })
            guard text.hasSuffix("]"), isIPv6Address(bare), isPlain(address, ":%") else {
                throw wrong
            }
            return address
        }
        guard text.utf8.count <= 253, isPlain(String(text), "") else { throw wrong }
        return String(text)
    }

    private static func isIPv6Address(_ text: String) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { address in
            inet_pton(AF_INET6, text, address.baseAddress) == 1
        }
    }

    private static func isPlain(_ text: String, _ more: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
            default: more.utf8.contains(byte)
            }
        }
    }

    private static func share(_ text: Substring) throws(WireError) -> String {
        guard !text.isEmpty else { throw invalid("the share's name is missing") }
        guard let bytes = percentDecoded(text), let name = String(validating: bytes, as: UTF8.self),
            ShareName.isValid(name)
        else { throw invalid("\(displayText(Array(text.utf8))) is no name of a share") }
        return name
    }

    private static func secrets(_ text: Substring) throws(WireError) -> (DeviceID, [UInt8]) {
        var hub: DeviceID?
        var token: [UInt8]?
        for part in text.split(separator: "&", omittingEmptySubsequences: false) {
            let value = part.drop { $0 != "=" }.dropFirst()
            switch part.prefix(while: { $0 != "=" }) {
            case "hub":
                guard hub == nil, let found = bytes(hexadecimal: value).flatMap({ DeviceID(bytes: $0) })
                else { throw invalid("the hub's fingerprint is not 64 hexadecimal digits") }
                hub = found
            case "token":
                guard token == nil, let found = bytes(hexadecimal: value),
                    WireLimits.tokenBytes.contains(found.count)
                else {
                    throw invalid("the token is not 32 to 128 hexadecimal digits")
                }
                token = found
            // Later versions may say more.
            default: break
            }
        }
        guard let hub else { throw invalid("the hub's fingerprint (hub=) is missing") }
        guard let token else { throw invalid("the token (token=) is missing") }
        return (hub, token)
    }

    private static func invalid(_ cause: String) -> WireError {
        .invalidLink("cannot use the join link: \(cause)")
    }
}

extension JoinLink: CustomStringConvertible, CustomDebugStringConvertible {
    /// The link itself, with its secret: for the person who asked for it and nobody else.
    package var description: String { "\(withoutSecret)&token=\(hexadecimal(token))" }

    /// The link without its secret.
    package var debugDescription: String { "\(withoutSecret)&token=…" }

    private var withoutSecret: String {
        "relay://\(addressText(host, port))/\(percentEncoded(share.utf8))#hub=\(hub)"
    }
}
