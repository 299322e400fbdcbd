// SPDX-License-Identifier: Apache-2.0

/// A size for people: whole bytes below 1 KiB, else one decimal of the largest unit that fits.
package func humanSize(_ bytes: UInt64) -> String {
    guard bytes >= 1024 else { return "\(bytes) B" }
    var unitBytes: UInt64 = 1024
    var index = 0
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    while index + 1 < units.count, bytes / unitBytes >= 1024 {
        unitBytes <<= 10
        index += 1
    }
    let whole = bytes / unitBytes
    let tenths = (bytes % unitBytes) / (unitBytes / 10)
    return "\(whole).\(min(tenths, 9)) \(units[index])"
}

/// Seconds since 1970 as a date and time in UTC, as in `2026-03-01 09:05:00`.
package func humanTime(seconds: Int64) -> String {
    let secondsPerDay: Int64 = 86_400
    let day = seconds >= 0 ? seconds / secondsPerDay : (seconds + 1) / secondsPerDay - 1
    let (year, month, dayOfMonth) = civilDate(day)
    let rest = seconds - day * secondsPerDay
    let clock = [rest / 3600, rest / 60 % 60, rest % 60].map(twoDigits).joined(separator: ":")
    return "\(year)-\(twoDigits(month))-\(twoDigits(dayOfMonth)) \(clock)"
}

/// The Gregorian date of a day counted from 1970-01-01, by Howard Hinnant's `civil_from_days`.
private func civilDate(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
}

private func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
