// SPDX-License-Identifier: Apache-2.0

import CLinux
import RelayCore
import Synchronization
import SystemPackage

/// Where birth times do not tell one inode from another.
///
/// On an overlay, an entry of a lower layer gets another one when it is first changed, since it is copied up
/// then: it would be taken for another entry, and its step of ours for somebody's edit.
enum BirthTimes {
    private static let devices = Mutex<Set<UInt64>>([])
    private static let areAllHeeded = Atomic<Bool>(true)

    /// To be called before anything of the folder is looked at.
    static func ignoreWhereTheyChange(in root: Directory) throws(Errno) {
        let number = root.descriptor.number
        let type = UInt32(truncatingIfNeeded: try Kernel.retrying { relay_file_system_type(number) })
        guard type == FileSystemType.overlay else { return }
        let device = try root.status().identity.device
        devices.withLock { _ = $0.insert(device) }
        areAllHeeded.store(false, ordering: .releasing)
    }

    static func areIgnored(on device: UInt64) -> Bool {
        guard !areAllHeeded.load(ordering: .acquiring) else { return false }
        return devices.withLock { $0.contains(device) }
    }
}
