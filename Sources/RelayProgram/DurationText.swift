// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// Durations as people write them: `30d`, `12h`, `90m`, `10s`, `forever`.
package enum DurationText {
    /// Nil is for ever. Throws `usage` for anything else.
    package static func duration(_ text: String) throws(ControlError) -> Duration? {
        if text == "forever" { return nil }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 24 * 3600]
        let digits = text.dropLast()
        guard let unit = text.last.flatMap({ units[$0] }), !digits.isEmpty,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(digits),
            number <= limitSeconds / unit
        else {
            throw .usage(
                "\(displayText(Array(text.utf8))) is not a time: a number with s, m, h or d, or forever")
        }
        return .seconds(number * unit)
    }

    /// A hundred years.
    private static let limitSeconds: Int64 = 100 * 366 * 24 * 3600
}
