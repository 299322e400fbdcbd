// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A device of one of a hub's shares, or one that was: an element of what `relay-server devices --json`
/// prints.
package struct DeviceReport: Codable, Hashable, Sendable {
    package enum State: String, Codable, Sendable {
        case online, offline, revoked
    }

    package var share: String
    package var name: String
    package var deviceID: String
    package var state: State
    /// The newest revision that the device said it durably holds; nil if it is a member no more.
    package var appliedRevision: UInt64?

    package init(share: String, name: String, deviceID: String, state: State, appliedRevision: UInt64?) {
        self.share = share
        self.name = name
        self.deviceID = deviceID
        self.state = state
        self.appliedRevision = appliedRevision
    }
}

extension HubReport {
    /// All devices, share by share.
    package var devices: [DeviceReport] {
        shares.flatMap { share in
            share.devices.map { device in
                DeviceReport(
                    share: share.name, name: device.name, deviceID: device.deviceID,
                    state: device.isOnline ? .online : .offline, appliedRevision: device.appliedRevision)
            }
                + (share.revoked ?? []).map { device in
                    DeviceReport(
                        share: share.name, name: device.name, deviceID: device.deviceID, state: .revoked,
                        appliedRevision: nil)
                }
        }
    }
}
