// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Names that Relay gives: `name (conflict DEVICE DATE).ext` for the copy that lost a conflict.
package enum ConflictName {
    /// The conflict copy's name, at most `EntryName.limitBytes` long; `attempt` from 1 numbers further ones.
    package static func name(
        for original: EntryName, device: String, date: Timestamp, attempt: Int
    ) -> EntryName {
        let day = CalendarDay(date)
        let number = attempt > 1 ? " \(attempt)" : ""
        return decorated(original, with: " (conflict \(sanitised(device)) \(day)\(number))")
    }

    /// A passing name for a node that is in another's way.
    package static func passing(for original: EntryName, tag: UInt32) -> EntryName {
        decorated(original, with: " (moving \(String(tag, radix: 16)))")
    }

    /// Puts the mark before the extension, and shortens the stem where the whole would be too long.
    private static func decorated(_ original: EntryName, with mark: String) -> EntryName {
        let bytes = original.bytes
        let dot = bytes.lastIndex(of: 0x2e) ?? 0
        let hasExtension = dot > 0 && bytes.count - dot <= 32
        var stem = Array(hasExtension ? bytes[..<dot] : bytes[...])
        let rest = Array(mark.utf8) + (hasExtension ? Array(bytes[dot...]) : [])
        while stem.count + rest.count > EntryName.limitBytes, let last = stem.popLast() {
            // A UTF-8 sequence is not cut in its middle.
            if last & 0xc0 == 0x80 { continue }
        }
        while let last = stem.last, last & 0xc0 == 0xc0, stem.count + rest.count >= EntryName.limitBytes - 1 {
            stem.removeLast()
        }
        return EntryName(unchecked: stem + rest)
    }

    /// A device's name as it can stand in a file name: at most 64 bytes, no slash, no control characters.
    private static func sanitised(_ device: String) -> String {
        let kept = device.unicodeScalars.filter { $0 != "/" && $0.value >= 0x20 && $0.value != 0x7f }
        var text = ""
        for scalar in kept where text.utf8.count < 60 { text.unicodeScalars.append(scalar) }
        return text.isEmpty ? "device" : text
    }
}

/// A day of the Gregorian calendar (UTC), printed as `2026-11-23`.
package struct CalendarDay: Hashable, Sendable, CustomStringConvertible {
    package var year: Int64
    package var month: Int64
    package var day: Int64

    /// The day of a time stamp; times further than some ten million years away are clamped.
    ///
    /// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
    package init(_ time: Timestamp) {
        let limit: Int64 = 300_000_000_000_000
        let seconds = min(max(time.seconds, -limit), limit)
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    package var description: String {
        func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(padded(month))-\(padded(day))"
    }
}
