// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

/// How far two changes of a file must be apart for their times to differ.
///
/// From Linux 6.13 on, ext4, xfs, btrfs and tmpfs keep multigrain times: a change after a look at the
/// times gets a later one, always; nothing is too young there. Before, times come from the clock tick, at
/// most 10 ms; twice that is taken, for overlays too. Of other file systems (network, FAT with its 2 s), and
/// of disks without fractions of seconds (ext3 and ext4 with inodes of 128 bytes), nothing is known: 2 s.
enum ClockGranularity {
    private static let multigrain: Int64 = 0
    private static let tick: Int64 = 20_000_000
    private static let coarse: Int64 = 2_000_000_000

    /// `sample`: when something in the file system was changed last.
    static func nanoseconds(
        fileSystemType type: UInt32, kernel: (major: Int, minor: Int), sample: Timestamp
    ) -> Int64 {
        if sample.nanoseconds == 0 { return coarse }
        return switch type {
        case FileSystemType.ext4, FileSystemType.xfs, FileSystemType.btrfs, FileSystemType.tmpfs:
            kernel >= (6, 13) ? multigrain : tick
        case FileSystemType.overlay: tick
        default: coarse
        }
    }

    /// Whether a file whose status last changed at `changed` could change again, at `now` or later, without
    /// a difference in its times. The time of the last modification does not matter: whoever sets it
    /// changes the status too. A status from the future can be told from that of any later change.
    static func isYoung(changed: Timestamp, now: Timestamp, granularityNanoseconds: Int64) -> Bool {
        let (seconds, overflow) = now.seconds.subtractingReportingOverflow(changed.seconds)
        guard !overflow, (-4...4).contains(seconds) else { return false }
        let age = seconds * 1_000_000_000 + Int64(now.nanoseconds) - Int64(changed.nanoseconds)
        return abs(age) < granularityNanoseconds
    }

    /// The version of the running kernel; (0, 0) if it cannot be told.
    static func runningKernel() -> (major: Int, minor: Int) {
        var name = utsname()
        guard uname(&name) == 0 else { return (0, 0) }
        let release = withUnsafeBytes(of: &name.release) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        let numbers = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : (0, 0)
    }
}
