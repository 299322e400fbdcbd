// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import SystemPackage

extension SharedFolder {
    /// Whether the path still leads to the very directory that is held open, with the marker in it that is
    /// held open too, and unchanged.
    ///
    /// It takes no descriptor, so that a process that has none left does not take the folder for lost. A no
    /// is to be looked into.
    func isRootInPlace() -> Bool {
        guard let found = try? Kernel.status(path: path), let held = try? root.status(),
            found.identity == held.identity,
            let relay = try? root.status(EntryName.relayDirectory.bytes), relay.kind == .directory,
            let marker = try? root.status(OwnDirectories.path(RootMarker.fileName)),
            let heldMarker = try? Kernel.status(self.marker), marker.identity == heldMarker.identity,
            let content = try? self.marker.bytes(at: 0, count: RootMarker.digits + 2)
        else { return false }
        return RootMarker.parse(content) == record.marker
    }
}
