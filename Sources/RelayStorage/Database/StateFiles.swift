// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore

/// The places of our own state on disk: directories of mode 0700 that hold files of mode 0600.
package enum StateFiles {
    /// Makes the directory and those above it that are missing; what exists is left as it is.
    ///
    /// The error names the directory that could not be made, which may be one above.
    package static func makeDirectory(_ path: String) throws(StateError) {
        guard mkdir(path, 0o700) != 0 else { return }
        var code = errno
        if code == ENOENT, let parent = parent(of: path), parent != path {
            try makeDirectory(parent)
            guard mkdir(path, 0o700) != 0 else { return }
            code = errno
        }
        // Of one that exists, the answer may be that nothing can be made there.
        guard !isDirectory(path) else { return }
        throw StateError("cannot make directory \(path): \(errorText(code == EEXIST ? ENOTDIR : code))")
    }

    /// Makes sure that the file and its directory exist, and that nobody else may read the file.
    ///
    /// An existing file is not opened: closing it again would drop the locks that SQLite holds on it.
    static func makeFile(_ path: String) throws(StateError) {
        if let parent = parent(of: path) { try makeDirectory(parent) }
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor >= 0 {
            close(descriptor)
            return
        }
        guard errno == EEXIST else { throw StateError("cannot make file \(path): \(errorText(errno))") }
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw StateError("cannot open file \(path): \(errorText(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw StateError("cannot open file \(path): it is not a regular file")
        }
        if status.st_mode & 0o077 != 0, chmod(path, status.st_mode & 0o700) != 0 {
            throw StateError("cannot make file \(path) private: \(errorText(errno))")
        }
    }

    /// Throws unless there is a regular file, of which `noun` is the name.
    static func requireFile(_ path: String, _ noun: String, advice: String) throws(StateError) {
        var status = stat()
        guard stat(path, &status) != 0 else { return }
        guard errno == ENOENT else { throw StateError("cannot open \(noun) \(path): \(errorText(errno))") }
        throw StateError(
            "cannot open \(noun) \(path): it is missing, though it was in use before; \(advice)",
            isDamaged: true)
    }

    /// Waits until the file's name is on disk.
    static func syncDirectory(of path: String) throws(StateError) {
        guard let parent = parent(of: path) else { return }
        let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StateError("cannot open \(parent): \(errorText(errno))") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StateError("cannot sync \(parent): \(errorText(errno))") }
    }

    /// Which file is at the path; nil when there is none.
    static func identity(of path: String) -> FileNumber? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileNumber(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// The path without its last component; nil when it has only one.
    static func parent(of path: String) -> String? {
        let bytes = Array(path.utf8)
        let end = bytes.lastIndex { $0 != 0x2f } ?? 0
        guard let slash = bytes[..<end].lastIndex(of: 0x2f) else { return nil }
        let last = bytes[..<slash].lastIndex { $0 != 0x2f } ?? 0
        return String(decoding: bytes[...last], as: UTF8.self)
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}

/// What tells a file from one that was put in its place.
struct FileNumber: Hashable {
    var device: UInt64
    var inode: UInt64
}

/// Whether an `errno` says that there is no room.
func isDiskFull(_ code: Int32) -> Bool { code == ENOSPC || code == EDQUOT }

/// An `errno` for people.
func errorText(_ code: Int32) -> String {
    switch code {
    case ENOSPC: "disk full"
    case EDQUOT: "disk quota exceeded"
    default: String(cString: strerror(code))
    }
}
