// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Bytes as text for a URL: letters, digits and `-._~` as they are, all others as `%XX`.
package func percentEncoded(_ bytes: some Sequence<UInt8>) -> String {
    var result: [UInt8] = []
    for byte in bytes {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: result.append(byte)
        default:
            result.append(0x25)
            for digit in hexadecimalBytes([byte]) { result.append(digit >= 0x61 ? digit - 0x20 : digit) }
        }
    }
    return String(decoding: result, as: UTF8.self)
}

/// The bytes that `%XX` text stands for; nil for a `%` without two digits. A `+` is a plus.
package func percentDecoded(_ text: some StringProtocol) -> [UInt8]? {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        guard byte == 0x25 else {
            result.append(byte)
            continue
        }
        let digits = String(decoding: rest.prefix(2), as: UTF8.self)
        guard rest.count >= 2, let decoded = bytes(hexadecimal: digits) else { return nil }
        result += decoded
        rest = rest.dropFirst(2)
    }
    return result
}
