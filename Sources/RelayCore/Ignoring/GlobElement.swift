// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// One element of a pattern with wildcards.
enum GlobElement: Hashable, Sendable {
    case byte(UInt8)
    /// `?`: one byte, but no slash.
    case any
    /// `[…]`.
    case set(ByteSet)
    /// `*`: any number of bytes, but no slash.
    case star
    /// `**` at the end: all that follows.
    case everything
    /// `**/`: any number of directories, or none.
    case directories

    static func isSpecial(_ byte: UInt8) -> Bool {
        byte == 0x2a || byte == 0x3f || byte == 0x5b || byte == 0x5c
    }

    /// Nil for what cannot match anything, such as a set without an end.
    static func parse(_ pattern: ArraySlice<UInt8>, isForNames: Bool) -> [GlobElement]? {
        var elements: [GlobElement] = []
        var rest = pattern
        while let byte = rest.popFirst() {
            switch byte {
            case 0x5c:
                guard let next = rest.popFirst() else { return nil }
                elements.append(.byte(next))
            case 0x3f: elements.append(.any)
            case 0x2a:
                let start = rest.startIndex - 1
                rest = rest.drop { $0 == 0x2a }
                let isDouble = rest.startIndex - start > 1 && !isForNames
                let isAfterSlash = start == pattern.startIndex || pattern[start - 1] == 0x2f
                if isDouble, isAfterSlash, rest.first == 0x2f {
                    rest = rest.dropFirst()
                    elements.append(.directories)
                } else if isDouble, isAfterSlash, rest.isEmpty || rest.starts(with: [0x5c, 0x2f]) {
                    elements.append(.everything)
                } else {
                    elements.append(.star)
                }
            case 0x5b:
                guard let set = ByteSet(parsing: &rest) else { return nil }
                elements.append(.set(set))
            default: elements.append(.byte(byte))
            }
        }
        return elements
    }

    /// Whether the elements match all of the text from `start` on.
    ///
    /// A star gives way to the next try at the same star alone, and that to the next at the last `**`: what
    /// an earlier one took can never matter, so that the time is bounded by the product of the lengths.
    static func match(_ elements: [GlobElement], _ text: [UInt8], from start: Int) -> Bool {
        var element = 0
        var position = start
        var star: (next: Int, tried: Int)?
        var wide: (next: Int, tried: Int)?
        while true {
            if element < elements.count {
                switch elements[element] {
                case .star:
                    element += 1
                    star = (element, position)
                    continue
                case .everything, .directories:
                    element += 1
                    star = nil
                    wide = (element, position)
                    continue
                case .byte, .any, .set:
                    if position < text.count, elements[element].matches(text[position]) {
                        element += 1
                        position += 1
                        continue
                    }
                }
            } else if position == text.count {
                return true
            }
            if let (next, tried) = star, tried < text.count, text[tried] != 0x2f {
                star = (next, tried + 1)
                (element, position) = (next, tried + 1)
            } else if let (next, tried) = wide {
                guard let later = elements[next - 1].next(after: tried, in: text) else { return false }
                star = nil
                wide = (next, later)
                (element, position) = (next, later)
            } else {
                return false
            }
        }
    }

    private func matches(_ byte: UInt8) -> Bool {
        switch self {
        case .byte(let own): own == byte
        case .any: byte != 0x2f
        case .set(let set): byte != 0x2f && set.contains(byte)
        case .star, .everything, .directories: false
        }
    }

    /// Where what follows a `**` may begin next.
    private func next(after tried: Int, in text: [UInt8]) -> Int? {
        guard tried < text.count else { return nil }
        guard self == .directories else { return tried + 1 }
        return text[tried...].firstIndex(of: 0x2f).map { $0 + 1 }
    }
}
