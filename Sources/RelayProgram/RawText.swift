// SPDX-License-Identifier: Apache-2.0

/// Bytes carried through text without loss: names are bytes, but arguments are read by a parser of text.
///
/// Valid UTF-8 is itself. A byte that is not part of valid UTF-8 becomes the scalar U+10FF00 plus its value;
/// so do the bytes of those scalars themselves, which nobody has in a name.
package enum RawText {
    private static let escapes: ClosedRange<UInt32> = 0x10ff00...0x10ffff

    /// The text that stands for the bytes.
    package static func text(_ bytes: [UInt8]) -> String {
        var result = String.UnicodeScalarView()
        var parser = UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            let length: Int
            switch parser.parseScalar(from: &iterator) {
            case .emptyInput: return String(result)
            case .valid(let encoded):
                let scalar = UTF8.decode(encoded)
                length = encoded.count
                if !escapes.contains(scalar.value) {
                    result.append(scalar)
                    offset += length
                    continue
                }
            case .error(let count): length = count
            }
            let end = min(offset + length, bytes.count)
            for byte in bytes[offset..<end] {
                if let scalar = Unicode.Scalar(escapes.lowerBound + UInt32(byte)) { result.append(scalar) }
            }
            offset = end
        }
    }

    /// The bytes that a text stands for.
    package static func bytes(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        for scalar in text.unicodeScalars {
            if escapes.contains(scalar.value) {
                result.append(UInt8(truncatingIfNeeded: scalar.value - escapes.lowerBound))
            } else {
                result += Array(String(scalar).utf8)
            }
        }
        return result
    }
}
