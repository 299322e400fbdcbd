// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Logging
import RelayCore

/// Log lines on standard error: time (UTC), level, message, then `key=value` in the order of the keys.
///
/// One event is one line and one `write`; whatever could forge a line is escaped.
package struct LogLines: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level

    package init(level: Logger.Level) { logLevel = level }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        Terminal.complain(
            Self.line(level: event.level, message: event.message.description, metadata: all, at: clock()))
    }

    /// The text of one event.
    static func line(
        level: Logger.Level, message: String, metadata: Logger.Metadata, at time: timespec
    ) -> String {
        var line = "\(stamp(time)) \(level.rawValue) \(escaped(message))"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(escaped(key))=\(quoted(value.description))"
        }
        return line
    }

    /// A value with blanks or quotes stands between quotes, so that keys can be told from values.
    private static func quoted(_ value: String) -> String {
        let text = escaped(value)
        guard text.isEmpty || text.utf8.contains(where: { $0 == 0x20 || $0 == 0x22 || $0 == 0x3d }) else {
            return text
        }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"")
            + "\""
    }

    private static func escaped(_ text: String) -> String { displayText(Array(text.utf8)) }

    private static func stamp(_ time: timespec) -> String {
        var seconds = time.tv_sec
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday].map { digits(Int($0), 2) }
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { digits(Int($0), 2) }
        let milliseconds = digits(time.tv_nsec / 1_000_000, 3)
        return "\(date.joined(separator: "-"))T\(clock.joined(separator: ":")).\(milliseconds)Z"
    }

    private static func digits(_ number: Int, _ count: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}

private func clock() -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time
}
