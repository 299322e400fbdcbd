// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
package import Logging
package import RelayCore

/// The option for how much is logged.
package struct LogOptions: ParsableArguments {
    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp(
            "How much to log: trace, debug, info, notice, warning, error (default: RELAY_LOG_LEVEL or info).",
            valueName: "level"))
    var level: String?

    package init() {}

    /// A logger that writes to standard error as much as is asked for. `usual` is what is logged if nothing
    /// is.
    package func logger(_ label: String, usual: Logger.Level = .info) throws(ControlError) -> Logger {
        let text = level ?? Environment.text("RELAY_LOG_LEVEL")
        let wanted = try text.map(Self.level) ?? usual
        return Logger(label: label) { _ in LogLines(level: wanted) }
    }

    private static func level(_ text: String) throws(ControlError) -> Logger.Level {
        guard let level = Logger.Level(rawValue: text), level != .critical else {
            throw .usage(
                "\(displayText(Array(text.utf8))) is no log level: trace, debug, info, notice, "
                    + "warning or error")
        }
        return level
    }
}
