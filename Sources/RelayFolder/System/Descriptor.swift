// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import SystemPackage

/// An open file descriptor with one owner; it is closed at the end of its life.
struct Descriptor: ~Copyable, Sendable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }

    /// Reads up to `buffer.count` bytes; fewer only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Errno) -> Int {
        try Self.read(number, into: buffer, at: offset)
    }

    static func read(
        _ number: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        var done = 0
        while done < buffer.count {
            let (position, overflow) = offset.addingReportingOverflow(UInt64(done))
            guard !overflow, let start = off_t(exactly: position) else { throw .invalidArgument }
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try Kernel.check(pread(number, rest.baseAddress, rest.count, start))
            if count == 0 { break }
            done += count
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(Errno) {
        var done = 0
        while done < bytes.count {
            let (position, overflow) = offset.addingReportingOverflow(UInt64(done))
            guard !overflow, let start = off_t(exactly: position) else { throw .fileTooLarge }
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try Kernel.check(pwrite(number, rest.baseAddress, rest.count, start))
        }
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(Errno) {
        let outcome: Result<Void, Errno> = bytes.withUnsafeBytes { raw in
            do throws(Errno) {
                return .success(try write(raw, at: offset))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    func truncate(to sizeBytes: UInt64) throws(Errno) {
        guard let size = off_t(exactly: sizeBytes) else { throw .fileTooLarge }
        try Kernel.check(ftruncate(number, size))
    }

    func setMode(_ mode: PermissionMode) throws(Errno) { try Kernel.check(fchmod(number, mode)) }

    /// Sets the mode, or leaves it as it is where the file system keeps none, or lets nobody set it.
    func setModeIfPossible(_ mode: PermissionMode) throws(Errno) {
        do throws(Errno) {
            try setMode(mode)
        } catch {
            guard error == .notPermitted || error == .notSupported || error == .noFunction else {
                throw error
            }
        }
    }

    /// Sets the mode of what was opened with `O_PATH`.
    func setModeByPath(_ mode: PermissionMode) throws(Errno) {
        let number = self.number
        do throws(Errno) {
            _ = try Kernel.retrying { relay_fchmodat2_empty(number, mode) }
        } catch {
            // Before Linux 6.6; sandboxes that do not know the call say that it is not permitted.
            guard error == .noFunction || error == .notPermitted else { throw error }
            try Kernel.check(chmod("/proc/self/fd/\(number)", mode))
        }
    }

    /// Sets the time of last modification, and leaves that of the last access alone. Works for descriptors
    /// that were opened with `O_PATH` too.
    func setModified(seconds: Int64, nanoseconds: UInt32) throws(Errno) {
        let times = [
            timespec(tv_sec: 0, tv_nsec: Self.omit),
            timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)),
        ]
        try Kernel.check(utimensat(number, "", times, RELAY_AT_EMPTY_PATH))
    }

    /// `UTIME_OMIT`
    private static let omit = (1 << 30) - 2

    /// Makes content and metadata durable. After a failure the file must be discarded, never synced again.
    func sync() throws(Errno) { try Kernel.check(fsync(number)) }

    /// Makes the content durable, and takes the write access from the pages of shared mappings, so that any
    /// later store through one shows in the file's times.
    func syncContent() throws(Errno) { try Kernel.check(fdatasync(number)) }
}

extension Descriptor {
    /// Returns when no `write` to the file is under way that began before.
    ///
    /// A write changes the file's times once, before its first byte: one that is under way shows in no later
    /// look at them. Where reads do not wait for it, looking for data does: it takes the lock of the inode.
    func awaitWrite() { _ = lseek(number, 0, Self.seekData) }

    /// Where the next bytes from `offset` on begin that are no hole, if there are any: at least `offset`,
    /// and `UInt64.max` if there are none. Nil where the file system does not tell.
    func nextData(from offset: UInt64) -> UInt64? {
        guard let start = off_t(exactly: offset) else { return nil }
        let found = lseek(number, start, Self.seekData)
        if found < 0 { return errno == ENXIO ? .max : nil }
        return max(UInt64(found), offset)
    }

    /// `SEEK_DATA`
    private static let seekData: Int32 = 3
}

typealias PermissionMode = mode_t
