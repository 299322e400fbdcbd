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
        let file = Glibc.open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { _ = Glibc.close(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self).filter { $0 != "\n" }
    }
}
