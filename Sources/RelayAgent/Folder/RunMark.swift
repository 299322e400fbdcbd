// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

/// A file beside the replica, there from the beginning of a run to its orderly end, that names the mount of
/// the folder's file system: a run that finds one of another mount comes after a power cut or its like.
struct RunMark: Sendable {
    private let path: String
    private let directory: String

    init(replicaPath: String) {
        path = replicaPath + "-run"
        directory = String(replicaPath[..<(replicaPath.lastIndex(of: "/") ?? replicaPath.startIndex)])
    }

    /// What the last run left; nil if it came to an orderly end, or there was none. A mark that cannot be
    /// read is one of another mount.
    func read() -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return errno == ENOENT ? nil : "" }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count < 0 ? "" : String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Returns once the mark would survive a power cut.
    func write(_ instance: String) throws(StateError) {
        let draft = path + ".new"
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("make") }
        defer { close(file) }
        let bytes = Array(instance.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, fdatasync(file) == 0,
            rename(draft, path) == 0
        else { throw failure("write") }
        let directory = open(self.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("write") }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw failure("write") }
    }

    func remove() { unlink(path) }

    private func failure(_ verb: String) -> StateError {
        StateError("cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}
