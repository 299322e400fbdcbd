// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import SystemPackage

/// The system calls of this room. Names are bytes, every failure is an `Errno`, and an interrupted call is
/// made again.
enum Kernel {
    /// Opens what a relative path of at most `pathLimitBytes` leads to, beneath `directory` only: no symbolic
    /// link, no `..` and no mount point is ever passed.
    static func openBeneath(
        _ directory: borrowing Descriptor, _ path: [UInt8], _ flags: Int32, mode: UInt32 = 0
    ) throws(Errno) -> Descriptor {
        let number = directory.number
        // A descriptor for a path alone takes no other flags.
        let isPathOnly = flags & RELAY_O_PATH != 0
        let all = UInt64(UInt32(bitPattern: flags | O_CLOEXEC | (isPathOnly ? 0 : O_NOCTTY)))
        let result = try withName(path) { name throws(Errno) in
            try retrying { relay_openat2(number, name, all, UInt64(mode)) }
        }
        return Descriptor(Int32(truncatingIfNeeded: result))
    }

    /// The longest path that one call takes, in bytes.
    static let pathLimitBytes = 4000

    /// What stands at a name in a directory; links are not followed.
    static func status(_ directory: borrowing Descriptor, _ name: [UInt8]) throws(Errno) -> EntryStatus {
        try status(directory.number, name, flags: RELAY_AT_SYMLINK_NOFOLLOW)
    }

    /// What an open descriptor stands for.
    static func status(_ descriptor: borrowing Descriptor) throws(Errno) -> EntryStatus {
        try status(descriptor.number, [], flags: RELAY_AT_EMPTY_PATH)
    }

    /// What a path of the whole system leads to; links are followed.
    static func status(path: String) throws(Errno) -> EntryStatus {
        try status(AT_FDCWD, Array(path.utf8), flags: 0)
    }

    private static func status(_ number: Int32, _ name: [UInt8], flags: Int32) throws(Errno) -> EntryStatus {
        var raw = relay_statx()
        _ = try withName(name) { name throws(Errno) in
            try retrying { relay_statx(number, name, flags, &raw) }
        }
        return EntryStatus(raw)
    }

    /// How a rename treats what stands at the new name.
    enum RenameRule {
        /// The new name must be free (`EEXIST`).
        case noReplace
        /// Both must exist; they change places in one step.
        case exchange
        /// Whatever stands there is replaced.
        case replace

        fileprivate var flags: UInt32 {
            switch self {
            case .noReplace: RELAY_RENAME_NOREPLACE
            case .exchange: RELAY_RENAME_EXCHANGE
            case .replace: 0
            }
        }
    }

    static func rename(
        _ from: borrowing Descriptor, _ old: [UInt8], to: borrowing Descriptor, _ new: [UInt8],
        _ rule: RenameRule
    ) throws(Errno) {
        let (source, target) = (from.number, to.number)
        try withName(old) { old throws(Errno) in
            try withName(new) { new throws(Errno) in
                _ = try retrying { relay_renameat2(source, old, target, new, rule.flags) }
            }
        }
    }

    static func link(
        _ from: borrowing Descriptor, _ old: [UInt8], to: borrowing Descriptor, _ new: [UInt8]
    ) throws(Errno) {
        let (source, target) = (from.number, to.number)
        try withName(old) { old throws(Errno) in
            try withName(new) { new throws(Errno) in
                _ = try check(linkat(source, old, target, new, 0))
            }
        }
    }

    static func unlink(_ directory: borrowing Descriptor, _ name: [UInt8]) throws(Errno) {
        let number = directory.number
        try withName(name) { name throws(Errno) in _ = try check(unlinkat(number, name, 0)) }
    }

    static func removeDirectory(_ directory: borrowing Descriptor, _ name: [UInt8]) throws(Errno) {
        let number = directory.number
        try withName(name) { name throws(Errno) in _ = try check(unlinkat(number, name, Int32(AT_REMOVEDIR)))
        }
    }

    static func makeDirectory(
        _ directory: borrowing Descriptor, _ name: [UInt8], mode: mode_t
    ) throws(Errno) {
        let number = directory.number
        try withName(name) { name throws(Errno) in _ = try check(mkdirat(number, name, mode)) }
    }

    static func makeSymlink(
        _ directory: borrowing Descriptor, _ name: [UInt8], target: [UInt8]
    ) throws(Errno) {
        let number = directory.number
        try withName(target) { target throws(Errno) in
            try withName(name) { name throws(Errno) in _ = try check(symlinkat(target, number, name)) }
        }
    }

    /// The target of the link at a name; with an empty name, of the link that the descriptor stands for.
    static func linkTarget(_ directory: borrowing Descriptor, _ name: [UInt8]) throws(Errno) -> [UInt8] {
        let number = directory.number
        let capacity = Int(PATH_MAX) + 1
        var buffer = [CChar](repeating: 0, count: capacity)
        let count = try withName(name) { name throws(Errno) in
            try check(readlinkat(number, name, &buffer, capacity))
        }
        guard count < capacity else { throw .fileNameTooLong }
        return buffer[..<count].map { UInt8(bitPattern: $0) }
    }

    // MARK: Calls

    /// Runs a call that returns a negated errno, again as long as it is interrupted.
    static func retrying(_ call: () -> Int) throws(Errno) -> Int {
        while true {
            let result = call()
            if result >= 0 { return result }
            let error = Errno(rawValue: Int32(truncatingIfNeeded: -result))
            if error != .interrupted { throw error }
        }
    }

    /// Turns the -1 of a C library call into its errno, and makes an interrupted call again.
    @discardableResult
    static func check<Number: FixedWidthInteger & SignedInteger>(
        _ call: @autoclosure () -> Number
    ) throws(Errno) -> Int {
        while true {
            let result = call()
            if result >= 0 { return Int(result) }
            let error = Errno(rawValue: errno)
            if error != .interrupted { throw error }
        }
    }

    /// What a file of the kernel's says, up to 256 bytes of it; empty where there is none.
    static func text(ofFile path: String) -> String {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { _ = Glibc.close(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(file, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    /// Lends the bytes as a C string.
    private static func withName<Value>(
        _ bytes: [UInt8], _ body: (UnsafePointer<CChar>) throws(Errno) -> Value
    ) throws(Errno) -> Value {
        let outcome: Result<Value, Errno> = bytes.withUnsafeBytes { raw in
            withUnsafeTemporaryAllocation(byteCount: raw.count + 1, alignment: 1) { buffer in
                buffer.copyMemory(from: raw)
                buffer[raw.count] = 0
                guard let start = buffer.assumingMemoryBound(to: CChar.self).baseAddress,
                    strlen(start) == raw.count
                else { return .failure(.invalidArgument) }
                do throws(Errno) { return .success(try body(start)) } catch { return .failure(error) }
            }
        }
        return try outcome.get()
    }
}
