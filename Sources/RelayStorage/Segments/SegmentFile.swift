// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import RelayCore
import Synchronization

/// An open segment file. Its descriptor is closed when the last user lets go of it.
final class SegmentFile: Sendable {
    let number: UInt32
    let path: String
    private let descriptor: Int32
    /// Up to where the memory was given back that held what is on disk.
    private let givenBack = Mutex<UInt64>(0)

    init(opening path: String, number: UInt32) throws(StateError) {
        self.path = path
        self.number = number
        descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            let code = errno
            throw StateError("cannot open segment \(path): \(errorText(code))", isDamaged: code == ENOENT)
        }
    }

    /// Makes the file, which must not be there, with its header.
    init(making path: String, number: UInt32) throws(StateError) {
        self.path = path
        self.number = number
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            let code = errno
            throw StateError(
                "cannot make segment \(path): \(errorText(code))", isDiskFull: isDiskFull(code))
        }
        do {
            try write(SegmentFormat.header(number: number), at: 0)
        } catch {
            unlink(path)
            throw error
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func sizeBytes() throws(StateError) -> UInt64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("read", errno) }
        return UInt64(status.st_size)
    }

    /// Whether the file begins as a segment of this number does.
    func hasHeader() throws(StateError) -> Bool {
        try read(at: 0, count: SegmentFormat.headerBytes) == SegmentFormat.header(number: number)
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(StateError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                pwrite(
                    descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done,
                    off_t(offset) + off_t(done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write", count < 0 ? errno : ENOSPC) }
            done += count
        }
    }

    /// Reads up to `count` bytes: fewer only at the end of the file.
    func read(at offset: UInt64, count: Int) throws(StateError) -> [UInt8] {
        guard offset <= UInt64(off_t.max) - UInt64(count) else { return [] }
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled,
                    off_t(offset) + off_t(filled))
                if got < 0, errno == EINTR { continue }
                if got < 0 { code = errno }
                guard got > 0 else { return }
                filled += got
            }
        }
        guard code == 0 else { throw failure("read", code) }
        return bytes
    }

    func truncate(to size: UInt64) throws(StateError) {
        while ftruncate(descriptor, off_t(size)) != 0 {
            guard errno == EINTR else { throw failure("truncate", errno) }
        }
    }

    /// Whether the file still has its name. One that was removed, or replaced, goes when it is closed.
    var hasName: Bool {
        var (here, there) = (stat(), stat())
        guard fstat(descriptor, &here) == 0, stat(path, &there) == 0 else { return false }
        return here.st_dev == there.st_dev && here.st_ino == there.st_ino
    }

    /// Removes the file's name; false when that is refused.
    func remove() -> Bool { unlink(path) == 0 }

    /// Waits until the file's bytes are on disk.
    func sync() throws(StateError) {
        guard fdatasync(descriptor) == 0 else { throw failure("sync", errno) }
    }

    /// What stays in memory of what was written last: it is what is asked for next.
    private static let keptBytes: UInt64 = 8 << 20
    /// What is given back at once, at least.
    private static let portionBytes: UInt64 = 4 << 20

    /// Gives back the memory that holds what is on disk: a store that takes gigabytes would push out of
    /// memory what is in use. All before `end` is on disk, and what was written last of it is kept; nil:
    /// everything is on disk, and no more is appended.
    func givePagesBack(before end: UInt64?) {
        let range: (start: UInt64, count: UInt64)? = givenBack.withLock { start in
            guard let end else {
                defer { start = .max }
                // To the end of the file.
                return start == .max ? nil : (start, 0)
            }
            let kept = end - min(end, Self.keptBytes)
            guard start <= kept, kept - start >= Self.portionBytes else { return nil }
            defer { start = kept }
            return (start, kept - start)
        }
        guard let range, let start = Int64(exactly: range.start), let count = Int64(exactly: range.count)
        else { return }
        // A page that the range before ended in is whole now.
        let page = start & ~4095
        _ = relay_give_pages_back(descriptor, page, count == 0 ? 0 : count + start - page)
    }

    /// What the disk cannot read, or itself finds damaged, counts as damaged.
    private func failure(_ verb: String, _ code: Int32) -> StateError {
        StateError(
            "cannot \(verb) segment \(path): \(errorText(code))",
            isDamaged: verb == "read" && [EIO, EUCLEAN, EBADMSG, ENODATA].contains(code),
            isDiskFull: isDiskFull(code))
    }
}
