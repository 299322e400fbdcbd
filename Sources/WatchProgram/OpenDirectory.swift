// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import Glibc
internal import RelayCore

/// What tells one directory from all others that exist at the time.
struct DirectoryIdentity: Hashable {
    var device: UInt64
    var inode: UInt64
}

/// A directory that is open for listing and watching. Symbolic links are never followed beneath the root.
struct OpenDirectory: ~Copyable {
    let descriptor: Int32
    let identity: DirectoryIdentity

    /// Opens by a path that may lead through symbolic links; for the root alone.
    init(path: [UInt8]) throws(SystemError) {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
        let opened = withPath(path) { open($0, flags) }
        guard opened >= 0 else { throw SystemError(number: errno) }
        try self.init(owning: opened)
    }

    /// Opens an entry of a directory.
    init(_ name: EntryName, in directory: Int32) throws(SystemError) {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let opened = withPath(name.bytes) { openat(directory, $0, flags) }
        guard opened >= 0 else { throw SystemError(number: errno) }
        try self.init(owning: opened)
    }

    private init(owning opened: Int32) throws(SystemError) {
        var status = stat()
        guard fstat(opened, &status) == 0 else {
            let number = errno
            close(opened)
            throw SystemError(number: number)
        }
        descriptor = opened
        identity = DirectoryIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    deinit { close(descriptor) }

    /// Opens what lies beneath, one name after the other.
    consuming func descend(_ path: some Sequence<EntryName>) throws(SystemError) -> OpenDirectory {
        var current = self
        for name in path { current = try OpenDirectory(name, in: current.descriptor) }
        return current
    }

    /// The names of the entries that are directories.
    func subdirectories() throws(SystemError) -> [EntryName] {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw SystemError(number: errno) }
        guard let stream = fdopendir(copy) else {
            let number = errno
            close(copy)
            throw SystemError(number: number)
        }
        defer { closedir(stream) }
        rewinddir(stream)
        var result: [EntryName] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw SystemError(number: errno) }
                return result
            }
            let type = Int(entry.pointee.d_type)
            guard type == Int(DT_DIR) || type == Int(DT_UNKNOWN) else { continue }
            guard let name = EntryName(entryName(entry)) else { continue }
            if type == Int(DT_DIR) || status(of: name)?.isDirectory == true { result.append(name) }
        }
    }

    /// What an entry is, links not followed; nil if it is not there.
    func status(of name: EntryName) -> EntryStatus? {
        var status = stat()
        let result = withPath(name.bytes) { fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }
        guard result == 0 else { return nil }
        return EntryStatus(mode: UInt32(status.st_mode), links: UInt64(status.st_nlink))
    }
}

/// The part of an entry's status that matters here.
struct EntryStatus: Hashable {
    var mode: UInt32
    var links: UInt64

    var isDirectory: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFDIR) }
    /// A regular file of one name: its writer's close is reported.
    var isPlainFile: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFREG) && links <= 1 }
}

/// The bytes of a listed entry's name. The structure in memory ends with the name, so it is not copied.
func entryName(_ entry: UnsafeMutablePointer<dirent>) -> UnsafeRawBufferPointer {
    let start = UnsafeRawPointer(entry) + (MemoryLayout<dirent>.offset(of: \.d_name) ?? 19)
    return UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
}

/// Calls with a path as the C library wants it. The bytes hold no zero.
func withPath<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
        guard let start = buffer.baseAddress else { preconditionFailure("the buffer holds at least a zero") }
        return body(start)
    }
}
