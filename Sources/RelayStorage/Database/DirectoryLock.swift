// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Keeps a second program off a directory of state, for as long as it lives.
package final class DirectoryLock: Sendable {
    package enum Failure: Error, Equatable {
        /// Another program has the lock.
        case inUse
        /// `cannot <verb> <file>: <cause>`, for people.
        case failed(String)
    }

    private let descriptor: Int32

    /// Takes the lock. `path` is the file that stands for it, made (0600) if it is missing.
    package init(_ path: String) throws(Failure) {
        // Once the number is known, whoever throws is deinitialized, and the file is closed there and nowhere
        // else: closed twice, it would be a stranger's.
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .failed("cannot open \(path): \(errorText(errno))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? .inUse : .failed("cannot lock \(path): \(errorText(errno))")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
