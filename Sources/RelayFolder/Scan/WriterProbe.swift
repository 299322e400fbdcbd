// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import SystemPackage

/// Whether anybody can change a file's content without opening it anew.
enum WriterProbe {
    case none
    /// Somebody has it open for writing, or mapped shared and writable.
    case present
    /// It cannot be told: the file belongs to somebody else, or the file system has no leases.
    case unknown

    /// Asks for a read lease, which is granted only when there is no writer, and gives it back at once, so
    /// that it delays nobody who opens the file for writing.
    ///
    /// Were the lease broken in between, the signal would be `SIGURG`, which is ignored unless asked for;
    /// the usual `SIGIO` would end the process.
    static func probe(_ file: borrowing Descriptor) -> WriterProbe {
        let number = file.number
        let result = hold(number)
        if result == .none { _ = relay_fcntl(number, RELAY_F_SETLEASE, Int32(F_UNLCK)) }
        return result
    }

    /// As `probe`, but a granted lease is kept until the descriptor is closed: for as short as can be, since
    /// whoever opens the file for writing waits for that.
    fileprivate static func hold(_ number: Int32) -> WriterProbe {
        do throws(Errno) {
            _ = try Kernel.retrying { relay_fcntl(number, RELAY_F_SETSIG, SIGURG) }
            _ = try Kernel.retrying { relay_fcntl(number, RELAY_F_SETLEASE, Int32(F_RDLCK)) }
            return .none
        } catch {
            return error == .wouldBlock ? .present : .unknown
        }
    }
}

/// A file opened for reading, with a read lease if one can be had, until the end of its life.
final class ReadLease {
    let descriptor: Descriptor
    /// Whether nobody could write into the file since it was opened here, unless the kernel took the lease
    /// back meanwhile: it does when somebody waits for longer than `/proc/sys/fs/lease-break-time` tells.
    let isHeld: Bool
    /// Whether the lease is held still, and nobody waits for its end.
    var isStillHeld: Bool {
        isHeld && relay_fcntl(descriptor.number, RELAY_F_GETLEASE, 0) == Int32(F_RDLCK)
    }

    /// Nil if the file cannot be opened.
    init?(in parent: Directory, _ name: [UInt8]) {
        guard let opened = try? parent.open(name, O_RDONLY | O_NONBLOCK) else { return nil }
        isHeld = WriterProbe.hold(opened.number) == .none
        descriptor = opened
    }
}
