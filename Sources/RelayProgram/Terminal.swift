// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Standard output and standard error, unbuffered: a line is out when the call returns.
package enum Terminal {
    /// Writes one line (or several) to standard output.
    package static func print(_ line: String) { write(Array((line + "\n").utf8), to: STDOUT_FILENO) }

    /// Writes text to standard output as it is.
    package static func put(_ text: String) { write(Array(text.utf8), to: STDOUT_FILENO) }

    /// Writes one line (or several) to standard error.
    package static func complain(_ line: String) { write(Array((line + "\n").utf8), to: STDERR_FILENO) }

    /// Whether both ends of a conversation are a terminal.
    package static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

    /// Writes everything, or gives up silently: there is nobody left to tell.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
