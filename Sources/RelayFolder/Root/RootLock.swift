// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// The lock on `.relay/root` that one agent holds as long as it has the folder.
enum RootLock {
    /// False if somebody else holds it.
    static func acquire(_ marker: borrowing Descriptor) throws(Errno) -> Bool {
        do throws(Errno) {
            try Kernel.check(flock(marker.number, LOCK_EX | LOCK_NB))
            return true
        } catch {
            if error == .wouldBlock { return false }
            throw error
        }
    }

    static func release(_ marker: borrowing Descriptor) { _ = flock(marker.number, LOCK_UN) }
}
