// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import SystemPackage

extension SharedFolder {
    /// Names this stretch of the folder's file system being mounted: as long as it stays the same, nothing
    /// that was written can have been lost by a power cut. Nil if it cannot be told.
    package func mountInstance() -> String? {
        guard !isClosed, let status = try? root.status(), let boot = Self.bootID() else { return nil }
        return "\(boot)/\(status.mount)"
    }

    /// Has everything written out that the folder's file system holds back.
    package func syncFileSystem() -> Bool {
        relay_syncfs(root.descriptor.number) == 0
    }

    private static func bootID() -> String? {
        let text = Kernel.text(ofFile: "/proc/sys/kernel/random/boot_id").filter { $0 != "\n" }
        return text.isEmpty ? nil : text
    }
}
