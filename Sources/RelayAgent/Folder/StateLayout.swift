// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import RelayStorage

/// Where things are in an agent's state directory.
struct StateLayout {
    let directory: String

    init(_ directory: String) { self.directory = directory }

    var identity: String { directory + "/identity" }
    var registry: String { directory + "/agent.sqlite" }
    var lock: String { directory + "/lock" }

    func replica(_ record: FolderRecord) -> String { directory + "/" + record.replicaFile }

    /// The replica's file for a folder that is joined now, beneath the state directory.
    static func newReplicaFile() -> String {
        let name = Bytes16(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
        return "folders/\(hexadecimal(name.bytes))/replica.sqlite"
    }

    /// Renames a damaged database and what belongs to it; returns the new name.
    static func putAside(_ file: String) throws(StateError) -> String {
        let aside = "\(file).damaged-\(MonotonicClock.wallClock().seconds)"
        for suffix in ["-wal", "-shm", ""] where rename(file + suffix, aside + suffix) != 0 {
            let code = errno
            if code != ENOENT {
                throw StateError("cannot rename \(file + suffix): \(String(cString: strerror(code)))")
            }
        }
        return aside
    }
}
