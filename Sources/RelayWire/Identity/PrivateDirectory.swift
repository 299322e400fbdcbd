// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A directory that only its owner may look into, held under a lock.
///
/// Files appear in it whole and on disk, or not at all.
struct PrivateDirectory: ~Copyable {
    private let descriptor: CInt
    private let directory: String

    /// Opens the directory, makes it (0700, and those above it) if it is not there, takes away what others
    /// may do with it, and waits for whoever else has it open.
    static func open(_ path: String) throws(WireError) -> PrivateDirectory {
        try makeDirectories(path)
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        let result = PrivateDirectory(descriptor: descriptor, directory: path)
        do throws(WireError) {
            try result.restrict(descriptor, mode: 0o700, path)
            while flock(descriptor, LOCK_EX) != 0 {
                guard errno == EINTR else { throw failure("lock", path) }
            }
        } catch {
            result.close()
            throw error
        }
        return result
    }

    func close() { _ = Glibc.close(descriptor) }

    func path(_ name: String) -> String {
        directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
    }

    /// A file's bytes; nil when it is not there. Takes away what others may do with it.
    func read(_ name: String, limitBytes: Int) throws(WireError) -> [UInt8]? {
        let file = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.failure("open", path(name))
        }
        defer { _ = Glibc.close(file) }
        try restrict(file, mode: 0o600, path(name))
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw Self.failure("read", path(name))
            }
            if count == 0 { return result }
            result += buffer.prefix(count)
            guard result.count <= limitBytes else {
                throw .identity("cannot use \(path(name)): it has more than \(limitBytes) bytes")
            }
        }
    }

    /// Writes a file that is not there yet; it is on disk when this returns.
    func write(_ name: String, _ bytes: [UInt8]) throws(WireError) {
        let temporary = name + ".new"
        // The lock is ours, so what is there was left behind by a crash.
        if unlinkat(descriptor, temporary, 0) != 0, errno != ENOENT {
            throw Self.failure("remove", path(temporary))
        }
        let file = openat(descriptor, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure("create", path(temporary)) }
        defer { _ = Glibc.close(file) }
        try writeAll(file, bytes, path(temporary))
        guard fsync(file) == 0 else { throw Self.failure("write", path(temporary)) }
        guard renameat(descriptor, temporary, descriptor, name) == 0 else {
            throw Self.failure("create", path(name))
        }
        guard fsync(descriptor) == 0 else { throw Self.failure("write", directory) }
    }

    private func writeAll(_ file: CInt, _ bytes: [UInt8], _ path: String) throws(WireError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw Self.failure("write", path)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Takes away what others than the owner may do. A read-only file system is somebody's decision already.
    private func restrict(_ file: CInt, mode: mode_t, _ path: String) throws(WireError) {
        guard fchmod(file, mode) == 0 || errno == EROFS else { throw Self.failure("protect", path) }
    }

    private static func makeDirectories(_ path: String) throws(WireError) {
        var ends = path.indices.filter { path[$0] == "/" && $0 != path.startIndex }
        ends.append(path.endIndex)
        for end in ends {
            let part = String(path[..<end])
            if mkdir(part, 0o700) == 0 || errno == EEXIST { continue }
            // A directory above may be one that we may not write to, though it is there.
            let cause = errno
            if access(part, F_OK) == 0 { continue }
            errno = cause
            throw failure("create", part)
        }
    }

    private static func failure(_ verb: String, _ path: String) -> WireError {
        .identity("cannot \(verb) \(path): \(systemText(errno))")
    }
}
