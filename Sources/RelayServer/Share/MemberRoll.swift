// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization

/// The names of a share's members.
final class MemberRoll: Sendable {
    private let names: Mutex<[DeviceID: String]>

    init(_ names: [DeviceID: String]) { self.names = Mutex(names) }

    func note(_ device: DeviceID, name: String) { names.withLock { $0[device] = name } }

    /// All members and their names.
    var all: [DeviceID: String] { names.withLock { $0 } }
}
