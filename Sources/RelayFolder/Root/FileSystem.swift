// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import RelayCore
import SystemPackage

/// What the file system of a shared folder can do, found out when the folder is opened.
struct FileSystem: Sendable {
    /// Whether two names can change places in one step.
    var canExchange: Bool
    /// Whether a rename can refuse to replace.
    var canRefuseReplacement: Bool
    /// How close two changes can be without a difference in their times.
    var clockGranularityNanoseconds: Int64
    /// Whether stores through shared mappings may leave no trace in a file's times.
    var hidesMappedWrites: Bool

    /// Tries them out in a directory of our own.
    static func probe(in directory: Directory) throws(Errno) -> FileSystem {
        let (first, second) = (Array("probe-1".utf8), Array("probe-2".utf8))
        defer {
            try? directory.unlink(first)
            try? directory.unlink(second)
        }
        for name in [first, second] {
            _ = try directory.open(name, O_WRONLY | O_CREAT, mode: 0o600)
        }
        let number = directory.descriptor.number
        let type = UInt32(truncatingIfNeeded: try Kernel.retrying { relay_file_system_type(number) })
        return FileSystem(
            canExchange: try isSupported(.exchange, from: first, to: second, in: directory),
            canRefuseReplacement: try isSupported(.noReplace, from: first, to: second, in: directory),
            clockGranularityNanoseconds: ClockGranularity.nanoseconds(
                fileSystemType: type, kernel: ClockGranularity.runningKernel()),
            hidesMappedWrites: type == FileSystemType.tmpfs)
    }

    private static func isSupported(
        _ rule: Kernel.RenameRule, from: [UInt8], to: [UInt8], in directory: Directory
    ) throws(Errno) -> Bool {
        do throws(Errno) {
            try Kernel.rename(directory.descriptor, from, to: directory.descriptor, to, rule)
            return true
        } catch {
            switch error {
            case .fileExists: return true
            case .invalidArgument, .noFunction, .notSupported, .notSupportedOnSocket: return false
            default: throw error
            }
        }
    }
}

/// The numbers by which `statfs` names file systems.
enum FileSystemType {
    static let ext4: UInt32 = 0xef53
    static let xfs: UInt32 = 0x5846_5342
    static let btrfs: UInt32 = 0x9123_683e
    static let overlay: UInt32 = 0x794c_7630
    static let tmpfs: UInt32 = 0x0102_1994
}
