// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import RelayCore

/// What `statx` says of one entry.
struct EntryStatus {
    enum Kind {
        case file, directory, symlink
        /// Pipes, sockets and devices.
        case other
    }

    let kind: Kind
    let fingerprint: Fingerprint
    let links: UInt32
    /// What the entry takes on disk.
    let allocatedBytes: UInt64
    /// Whether another file system (or another part of this one) is mounted here.
    let isMountRoot: Bool
    /// The number of the mount that it was found through.
    let mount: UInt64

    var identity: FileIdentity { fingerprint.identity }

    init(_ raw: relay_statx) {
        kind =
            switch UInt32(raw.mode) & 0o170000 {
            case 0o100000: .file
            case 0o040000: .directory
            case 0o120000: .symlink
            default: .other
            }
        links = raw.links
        mount = raw.mount
        allocatedBytes = raw.blocks &* 512
        isMountRoot = raw.attributes & UInt64(RELAY_STATX_MOUNT_ROOT) != 0
        let device = UInt64(raw.device_major) << 32 | UInt64(raw.device_minor)
        let isBorn = raw.mask & UInt32(RELAY_STATX_BORN) != 0 && !BirthTimes.areIgnored(on: device)
        fingerprint = Fingerprint(
            identity: FileIdentity(
                device: device, inode: raw.inode, born: isBorn ? Timestamp(raw.born) : .zero),
            sizeBytes: raw.size, modified: Timestamp(raw.modified), changed: Timestamp(raw.changed),
            mode: raw.mode & 0o7777)
    }
}

extension Timestamp {
    fileprivate init(_ raw: relay_statx_time) {
        self.init(seconds: raw.seconds, nanoseconds: raw.nanoseconds)
    }

    /// The wall clock's time.
    static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: UInt32(truncatingIfNeeded: time.tv_nsec))
    }
}
