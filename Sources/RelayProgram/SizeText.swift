// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// Sizes as people type them: bytes, or a number with K, M, G or T for powers of 1024.
package enum SizeText {
    /// Throws `usage` for anything else.
    package static func bytes(_ text: String) throws(ControlError) -> UInt64 {
        let wrong = ControlError.usage(
            "\(displayText(Array(text.utf8))) is not a size: bytes, or a number with K, M, G or T")
        var digits = text.uppercased()[...]
        if digits.hasSuffix("IB") {
            digits = digits.dropLast(2)
        } else if digits.hasSuffix("B") {
            digits.removeLast()
        }
        var shift: UInt64 = 0
        if let unit = digits.last, let power = "KMGT".firstIndex(of: unit) {
            shift = 10 * UInt64("KMGT".distance(from: "KMGT".startIndex, to: power) + 1)
            digits.removeLast()
        }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt64(digits)
        else { throw wrong }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow else { throw wrong }
        return bytes
    }
}
