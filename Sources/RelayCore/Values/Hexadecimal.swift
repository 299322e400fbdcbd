// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

private let digits = Array("0123456789abcdef".utf8)

/// Lower-case hexadecimal digits, two a byte.
package func hexadecimal(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: hexadecimalBytes(bytes), as: UTF8.self)
}

/// Lower-case hexadecimal digits as ASCII bytes, two a byte.
package func hexadecimalBytes(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count * 2)
    for byte in bytes {
        result.append(digits[Int(byte >> 4)])
        result.append(digits[Int(byte & 15)])
    }
    return result
}

/// The bytes that hexadecimal digits of either case stand for; nil for anything else.
package func bytes(hexadecimal text: some StringProtocol) -> [UInt8]? {
    var result: [UInt8] = []
    var pending: UInt8?
    for digit in text.utf8 {
        let value: UInt8
        switch digit {
        case 0x30...0x39: value = digit - 0x30
        case 0x61...0x66: value = digit - 0x61 + 10
        case 0x41...0x46: value = digit - 0x41 + 10
        default: return nil
        }
        if let high = pending {
            result.append(high << 4 | value)
            pending = nil
        } else {
            pending = value
        }
    }
    return pending == nil ? result : nil
}
