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

    /// Removes a folder's replica and all that is kept beside it.
    func removeReplica(_ record: FolderRecord) throws(StateError) {
        let file = replica(record)
        let parts = file.split(separator: "/", omittingEmptySubsequences: false)
        let (parent, name) = (parts.dropLast().joined(separator: "/"), parts.last.map(String.init) ?? "")
        guard let stream = opendir(parent) else {
            if errno == ENOENT { return }
            throw Self.failure(parent)
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let found = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.isEmpty, found.hasPrefix(name), unlink(parent + "/" + found) != 0, errno != ENOENT
            else { continue }
            throw Self.failure(parent + "/" + found)
        }
        guard parent != directory, rmdir(parent) != 0, errno != ENOENT else { return }
        throw Self.failure(parent)
    }

    private static func failure(_ path: String) -> StateError {
        StateError("cannot remove \(path): \(String(cString: strerror(errno)))")
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
