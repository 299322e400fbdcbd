// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// The name of one directory entry: 1 to 255 bytes without `/` and NUL, and neither `.` nor `..`.
///
/// A name is bytes: names that Unicode calls equal are different names, and no name need be text.
package struct EntryName: Hashable, Sendable, Comparable {
    package let bytes: [UInt8]

    /// The longest name that Linux file systems take, in bytes.
    package static let limitBytes = 255

    /// Nil for what is not a name of a directory entry.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count <= Self.limitBytes else { return nil }
        self.init(Array(bytes))
    }

    /// Nil for what is not a name of a directory entry. Takes the array as it is, without a copy.
    package init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count <= Self.limitBytes else { return nil }
        for byte in bytes where byte == 0 || byte == 0x2f { return nil }
        guard bytes[0] != 0x2e || (bytes.count != 1 && !(bytes.count == 2 && bytes[1] == 0x2e)) else {
            return nil
        }
        self.bytes = bytes
    }

    /// Nil for what is not a name of a directory entry.
    package init?(_ text: some StringProtocol) { self.init(Array(text.utf8)) }

    package static func < (left: EntryName, right: EntryName) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    /// The directory of our own in a shared folder's root; never shared.
    package static let relayDirectory = EntryName(unchecked: Array(".relay".utf8))

    init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// Equal for all names that a file system may take for one, since they differ in case or in how Unicode
    /// spells them; equal for some others too.
    package var folded: String { String(decoding: bytes, as: UTF8.self).lowercased() }
}

extension EntryName: CustomStringConvertible {
    /// The name for people: control and invalid bytes are shown as `\xNN`.
    package var description: String { displayText(bytes) }
}

/// Bytes as text for people and logs: valid UTF-8 is kept, control characters, bidirectional overrides,
/// backslashes and invalid bytes become `\xNN` (`\\` for a backslash), so that no name can forge a line.
package func displayText(_ bytes: [UInt8]) -> String {
    var result = ""
    var decoder = UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var offset = 0
    while true {
        switch decoder.parseScalar(from: &iterator) {
        case .emptyInput: return result
        case .error(let length):
            for byte in bytes[offset..<min(offset + length, bytes.count)] { result += escaped(byte) }
            offset += length
        case .valid(let encoded):
            let scalar = UTF8.decode(encoded)
            let length = encoded.count
            if scalar == "\\" {
                result += "\\\\"
            } else if mustEscape(scalar) {
                for byte in bytes[offset..<offset + length] { result += escaped(byte) }
            } else {
                result.unicodeScalars.append(scalar)
            }
            offset += length
        }
    }
}

private func escaped(_ byte: UInt8) -> String { "\\x" + hexadecimal([byte]) }

private func mustEscape(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff: true
    default: false
    }
}
