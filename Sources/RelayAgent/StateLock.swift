// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

/// Keeps a second agent off one state directory, for as long as it lives.
final class StateLock: Sendable {
    private let descriptor: Int32

    /// Makes the directory (0700) and those above it if they are missing, and takes its lock.
    init(_ layout: StateLayout) throws(AgentError) {
        try Self.makeDirectory(layout.directory)
        descriptor = open(layout.lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw .state("cannot open \(layout.lock): \(Self.text(errno))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            guard code == EWOULDBLOCK else {
                throw .state("cannot lock \(layout.lock): \(Self.text(code))")
            }
            throw .stateInUse(
                "cannot use the state directory \(layout.directory): another agent is running on it")
        }
    }

    deinit { Glibc.close(descriptor) }

    private static func makeDirectory(_ path: String) throws(AgentError) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
            guard mkdir(made, 0o700) != 0, errno != EEXIST else { continue }
            let code = errno
            // A parent that exists may say so in other words.
            guard access(made, F_OK) != 0 else { continue }
            throw .state("cannot make the state directory \(path): \(text(code))")
        }
    }

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
