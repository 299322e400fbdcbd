// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayStorage

extension StateLayout {
    /// Makes the directory (0700) and those above it if they are missing, and takes its lock.
    func takeLock() throws(AgentError) -> DirectoryLock {
        try makeDirectory()
        do {
            return try DirectoryLock(lock)
        } catch {
            switch error {
            case .inUse:
                throw .stateInUse(
                    "cannot use the state directory \(directory): another agent is running on it")
            case .failed(let text): throw .state(text)
            }
        }
    }

    private func makeDirectory() throws(AgentError) {
        var made = directory.hasPrefix("/") ? "/" : ""
        for part in directory.split(separator: "/") {
            made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
            guard mkdir(made, 0o700) != 0, errno != EEXIST else { continue }
            let code = errno
            // A parent that exists may say so in other words.
            guard access(made, F_OK) != 0 else { continue }
            throw .state("cannot make the state directory \(directory): \(String(cString: strerror(code)))")
        }
    }
}
