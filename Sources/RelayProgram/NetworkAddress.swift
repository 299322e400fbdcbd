// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// A host and a port as people type them: `HOST:PORT`, `[IPV6]:PORT`, or a host alone.
package struct NetworkAddress: Hashable, Sendable {
    /// A name or address; IPv6 addresses without brackets.
    package var host: String
    package var port: Int

    /// Throws `usage` for anything else. Port 0 is for listening on any free one.
    package init(_ text: String, defaultPort: Int) throws(ControlError) {
        let wrong = ControlError.usage("\(displayText(Array(text.utf8))) is not HOST:PORT")
        var host = Substring(text)
        port = defaultPort
        let hasBareIPv6 = !text.hasPrefix("[") && text.utf8.count(where: { $0 == 0x3a }) > 1
        if !hasBareIPv6, let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") {
            let digits = host[host.index(after: colon)...]
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits),
                (0...65535).contains(number)
            else { throw wrong }
            port = number
            host = host[..<colon]
        }
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else { throw wrong }
            host = host.dropFirst().dropLast()
        }
        guard !host.isEmpty, !host.contains(where: { $0 == "[" || $0 == "]" || $0.isWhitespace }) else {
            throw wrong
        }
        self.host = String(host)
    }

    /// The address as text, with another port.
    package func text(port: Int) -> String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
