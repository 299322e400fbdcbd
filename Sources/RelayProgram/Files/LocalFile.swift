// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore
import Synchronization

/// A regular file of this machine, open for reading from its beginning; a link is not followed.
package final class LocalFile: Sendable {
    package let sizeBytes: UInt64
    package let mode: PermissionBits
    package let modified: Timestamp

    private let path: [UInt8]
    private let descriptor: Int32
    private let readBytes = Mutex<UInt64>(0)

    /// How much one `next` reads at most.
    private static let portionBytes = 256 << 10

    /// Opens a file by its path as bytes.
    package init(path: [UInt8]) throws(ControlError) {
        let shown = displayText(path)
        descriptor = path.withCString { open($0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) }
        guard descriptor >= 0 else {
            throw errno == ENOENT
                ? .notFound("no such file: \(shown)") : .failed("cannot open \(shown): \(errnoText())")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .usage("\(shown) is not a file")
        }
        self.path = path
        sizeBytes = UInt64(max(0, status.st_size))
        mode = PermissionBits(status.st_mode)
        modified = Timestamp(status.st_mtim)
    }

    deinit { close(descriptor) }

    /// The next bytes; nil after the last. Throws `failed` if the file is not what it was when it was opened.
    package func next() throws(ControlError) -> [UInt8]? {
        let result: Result<[UInt8]?, ControlError> = readBytes.withLock { done in
            do throws(ControlError) {
                return .success(try portion(&done))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func portion(_ done: inout UInt64) throws(ControlError) -> [UInt8]? {
        guard done < sizeBytes else {
            guard isUnchanged else { throw .failed("\(displayText(path)) changed while it was read") }
            return nil
        }
        let wanted = Int(min(UInt64(Self.portionBytes), sizeBytes - done))
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, initialized in
            repeat { count = read(descriptor, buffer.baseAddress, wanted) } while count < 0 && errno == EINTR
            initialized = max(0, count)
        }
        guard count >= 0 else { throw .failed("cannot read \(displayText(path)): \(errnoText())") }
        guard count > 0 else { throw .failed("\(displayText(path)) changed while it was read") }
        done += UInt64(count)
        return bytes
    }

    private var isUnchanged: Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && UInt64(max(0, status.st_size)) == sizeBytes
            && Timestamp(status.st_mtim) == modified
    }
}

extension Timestamp {
    init(_ time: timespec) {
        self.init(seconds: Int64(time.tv_sec), nanoseconds: UInt32(clamping: time.tv_nsec))
    }

    var timespec: timespec { Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)) }
}

extension [UInt8] {
    /// Calls with the bytes as a C string; they hold no NUL where a path is meant.
    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        let terminated = map(CChar.init(bitPattern:)) + [0]
        return terminated.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { preconditionFailure("a C string has its NUL") }
            return body(start)
        }
    }
}

/// What the last failed call says of itself.
func errnoText() -> String { String(cString: strerror(errno)) }
