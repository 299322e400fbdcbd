// SPDX-License-Identifier: Apache-2.0

/// Texts for people that come from a peer: bounded, and without characters that act on a terminal.
enum PeerText {
    /// The text with control characters, line separators and bidirectional overrides replaced. Throws when it
    /// has more than `limit` bytes.
    static func read(
        _ text: String?, _ field: StaticString, limitBytes: Int = WireLimits.textBytes
    ) throws(WireError) -> String {
        let text = try required(text, field)
        guard text.utf8.count <= limitBytes else {
            throw .protocolViolation("\(field) has \(text.utf8.count) bytes, the limit is \(limitBytes)")
        }
        return cleaned(text)
    }

    /// The text cut to what a receiver takes, at a whole character.
    static func write(_ text: String, limitBytes: Int = WireLimits.textBytes) -> String {
        guard text.utf8.count > limitBytes else { return text }
        var bytes = 0
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            guard bytes <= limitBytes else { break }
            result.append(scalar)
        }
        return String(result)
    }

    /// Whether the text has a character that a name must not have.
    static func hasControls(_ text: String) -> Bool { text.unicodeScalars.contains(where: isControl) }

    private static func cleaned(_ text: String) -> String {
        guard hasControls(text) else { return text }
        // U+FFFD is as long as the longest of the replaced characters, but longer than most: the result may
        // have more bytes than the limit, which bounds what a peer can make this side keep within a factor.
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "\u{fffd}" : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }
}
