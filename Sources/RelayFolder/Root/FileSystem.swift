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
    /// Whether it can be relied on that what is said to be a hole holds zeros.
    var tellsHoles: Bool
    /// Whether some directories cannot be renamed: on an overlay, those of a lower layer.
    var hasFixedDirectories: Bool
    /// Whether names that differ in case are one name.
    var foldsNames: Bool

    /// Tries them out in a directory of our own. Where nothing can be made at present, since the disk is full
    /// or read-only, the kind of the file system tells. `relay` is the directory of the marker.
    static func probe(in directory: Directory, of relay: Directory) throws(Errno) -> FileSystem {
        let number = directory.descriptor.number
        let type = UInt32(truncatingIfNeeded: try Kernel.retrying { relay_file_system_type(number) })
        let (canExchange, canRefuseReplacement) = try abilities(of: type, in: directory)
        return FileSystem(
            canExchange: canExchange, canRefuseReplacement: canRefuseReplacement,
            clockGranularityNanoseconds: ClockGranularity.nanoseconds(
                fileSystemType: type, kernel: ClockGranularity.runningKernel(),
                sample: try directory.status().fingerprint.changed),
            hidesMappedWrites: type == FileSystemType.tmpfs,
            tellsHoles: FileSystemType.able.contains(type),
            hasFixedDirectories: type == FileSystemType.overlay,
            foldsNames: try Spelling.foldsNames(in: relay, having: RootMarker.fileName))
    }

    private static func abilities(
        of type: UInt32, in directory: Directory
    ) throws(Errno) -> (canExchange: Bool, canRefuseReplacement: Bool) {
        do throws(Errno) {
            return try triedAbilities(in: directory)
        } catch {
            switch error {
            case .noSpace, .diskQuotaExceeded, .readOnlyFileSystem:
                let isKnown = FileSystemType.able.contains(type)
                return (isKnown, isKnown)
            default: throw error
            }
        }
    }

    private static func triedAbilities(
        in directory: Directory
    ) throws(Errno) -> (canExchange: Bool, canRefuseReplacement: Bool) {
        let (first, second) = (Array("probe-1".utf8), Array("probe-2".utf8))
        defer {
            try? directory.unlink(first)
            try? directory.unlink(second)
        }
        for name in [first, second] {
            _ = try directory.open(name, O_WRONLY | O_CREAT, mode: 0o600)
        }
        return (
            try isSupported(.exchange, from: first, to: second, in: directory),
            try isSupported(.noReplace, from: first, to: second, in: directory)
        )
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

    /// Those that are known to exchange names, to refuse replacement, and to tell holes also of what is not
    /// written out yet.
    static let able: Set<UInt32> = [ext4, xfs, btrfs, tmpfs]
}
