// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A set of bytes, as `[a-z]` in a pattern.
struct ByteSet: Hashable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    func contains(_ byte: UInt8) -> Bool {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: return words.0 & bit != 0
        case 1: return words.1 & bit != 0
        case 2: return words.2 & bit != 0
        default: return words.3 & bit != 0
        }
    }

    private mutating func insert(_ byte: UInt8) {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        default: words.3 |= bit
        }
    }

    private mutating func insert(_ bytes: ClosedRange<UInt8>) { for byte in bytes { insert(byte) } }

    private mutating func invert() { words = (~words.0, ~words.1, ~words.2, ~words.3) }

    static func == (left: ByteSet, right: ByteSet) -> Bool { left.words == right.words }

    func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }

    /// Reads what follows a `[`, and the `]`. Nil for a set that nothing is in: one without an end, or with a
    /// class that is none.
    init?(parsing rest: inout ArraySlice<UInt8>) {
        let isInverted = rest.first == 0x21 || rest.first == 0x5e
        if isInverted { rest = rest.dropFirst() }
        /// What a `-` that follows would be a range from; nil after a range or a class.
        var previous: UInt8?
        repeat {
            guard let byte = rest.popFirst() else { return nil }
            if byte == 0x5c {
                guard let protected = rest.popFirst() else { return nil }
                insert(protected)
                previous = protected
            } else if byte == 0x2d, let lower = previous, let next = rest.first, next != 0x5d {
                guard let upper = Self.unprotected(&rest) else { return nil }
                if lower <= upper { insert(lower...upper) }
                previous = nil
            } else if byte == 0x5b, rest.first == 0x3a {
                guard let end = rest.firstIndex(of: 0x5d) else { return nil }
                let name = rest[rest.startIndex + 1..<end]
                if name.last == 0x3a {
                    guard insert(class: Array(name.dropLast())) else { return nil }
                    rest = rest[(end + 1)...]
                    previous = nil
                } else {
                    insert(byte)
                    previous = byte
                }
            } else {
                insert(byte)
                previous = byte
            }
        } while rest.first != 0x5d
        rest = rest.dropFirst()
        if isInverted { invert() }
    }

    private static func unprotected(_ rest: inout ArraySlice<UInt8>) -> UInt8? {
        guard let byte = rest.popFirst() else { return nil }
        return byte == 0x5c ? rest.popFirst() : byte
    }

    /// False: there is no class of this name.
    private mutating func insert(class name: [UInt8]) -> Bool {
        switch String(decoding: name, as: UTF8.self) {
        case "alnum":
            insert(0x30...0x39)
            insert(0x41...0x5a)
            insert(0x61...0x7a)
        case "alpha":
            insert(0x41...0x5a)
            insert(0x61...0x7a)
        case "blank": for byte in [0x20, 0x09] as [UInt8] { insert(byte) }
        case "cntrl":
            insert(0x00...0x1f)
            insert(0x7f)
        case "digit": insert(0x30...0x39)
        case "graph": insert(0x21...0x7e)
        case "lower": insert(0x61...0x7a)
        case "print": insert(0x20...0x7e)
        case "punct":
            insert(0x21...0x2f)
            insert(0x3a...0x40)
            insert(0x5b...0x60)
            insert(0x7b...0x7e)
        case "space": for byte in [0x20, 0x09, 0x0a, 0x0d] as [UInt8] { insert(byte) }
        case "upper": insert(0x41...0x5a)
        case "xdigit":
            insert(0x30...0x39)
            insert(0x41...0x46)
            insert(0x61...0x66)
        default: return false
        }
        return true
    }
}
