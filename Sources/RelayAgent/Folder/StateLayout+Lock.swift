// SPDX-License-Identifier: Apache-2.0

import RelayStorage

extension StateLayout {
    /// Makes the directory (0700) and those above it if they are missing, and takes its lock.
    func takeLock() throws(AgentError) -> DirectoryLock {
        do {
            try StateFiles.makeDirectory(directory)
        } catch {
            throw .state("cannot use the state directory \(directory): \(error)")
        }
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
}
