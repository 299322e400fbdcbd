// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How a database's files look from outside. Opening them to find out would itself change or remove some.
package struct DatabaseLook: Equatable, Sendable {
    private struct File: Equatable {
        var inode: UInt64
        var size: Int64
        var changedSeconds: Int64
    }

    private var files: [File?] = []

    /// Looks at the database at this path, its -wal, and the witness that an index has.
    package init(at path: String) {
        for name in [path, path + "-wal", IndexWitness.path(of: path)] {
            var status = stat()
            guard stat(name, &status) == 0 else {
                files.append(nil)
                continue
            }
            files.append(
                File(
                    inode: UInt64(status.st_ino), size: Int64(status.st_size),
                    changedSeconds: Int64(status.st_ctim.tv_sec)))
        }
    }

    /// Whether nothing was changed for a moment, as when somebody who copies files is done.
    package func isSettled(nowSeconds: Int64) -> Bool {
        files.allSatisfy { file in file.map { $0.changedSeconds + 2 <= nowSeconds } ?? true }
    }
}
