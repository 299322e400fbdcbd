// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A file system of its own for one folder, until `unmount`.
final class FolderDisk {
    let path: String

    /// One in memory; `options` as `size=24m`. The directory is made.
    init(_ path: String, tmpfs options: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, options) == 0 else {
            throw TestFailure("cannot mount \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// A mount whose server is gone, over a directory that is there.
    init(deadAt path: String) throws {
        self.path = path
        let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        defer { close(device) }
        let options = "fd=\(device),rootmode=40000,user_id=0,group_id=0"
        guard device >= 0, mount("dead", path, "fuse", 0, options) == 0 else {
            throw TestFailure("cannot mount \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit { unmount() }

    /// Takes the file system away; who has it open keeps it until the end.
    func unmount() { umount2(path, 2) }
}
