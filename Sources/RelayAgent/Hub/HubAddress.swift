// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayWire

/// Where a share is, and as whom it is joined.
struct HubAddress: Sendable {
    var host: String
    var port: Int
    /// The hub's pinned identity.
    var hub: DeviceID
    var share: String
    var identity: DeviceIdentity
    var deviceName: String

    var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    func hello(_ role: ConnectionRole, token: [UInt8]? = nil) -> Hello {
        Hello(
            version: Hello.currentVersion, role: role, share: share, deviceName: deviceName, token: token)
    }
}
