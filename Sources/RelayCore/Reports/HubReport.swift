// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What a hub says of itself: the answer to `GET /v1/status` there.
package struct HubReport: Codable, Hashable, Sendable {
    package var version: String
    package var hubID: String
    package var listen: String
    package var shares: [HubShareReport]
    package init(version: String, hubID: String, listen: String, shares: [HubShareReport]) {
        self.version = version
        self.hubID = hubID
        self.listen = listen
        self.shares = shares
    }
}

package struct HubShareReport: Codable, Hashable, Sendable {
    package var name: String
    package var revision: UInt64
    package var epoch: String
    /// Bytes of content in the store.
    package var storedBytes: UInt64
    /// Nil: no limit.
    package var storeLimitBytes: UInt64?
    /// Why the share is not served, or takes no changes or contents at present; nil: it does.
    package var trouble: String?
    /// When the stored chunks were last verified to the end, in seconds since 1970; nil: not yet.
    package var verifiedAt: Int64?
    /// Nil: no stored chunk was found damaged.
    package var damage: HubDamageReport?
    package var devices: [HubDeviceReport]
    /// The devices whose access was taken back; nil: there are none.
    package var revoked: [HubRevokedReport]?
    package init(
        name: String, revision: UInt64, epoch: String, storedBytes: UInt64, storeLimitBytes: UInt64?,
        trouble: String? = nil, verifiedAt: Int64? = nil, damage: HubDamageReport? = nil,
        devices: [HubDeviceReport], revoked: [HubRevokedReport]? = nil
    ) {
        self.name = name
        self.revision = revision
        self.epoch = epoch
        self.storedBytes = storedBytes
        self.storeLimitBytes = storeLimitBytes
        self.trouble = trouble
        self.verifiedAt = verifiedAt
        self.damage = damage
        self.devices = devices
        self.revoked = revoked
    }
}

/// A device whose access to a share was taken back.
package struct HubRevokedReport: Codable, Hashable, Sendable {
    package var name: String
    package var deviceID: String
    package init(name: String, deviceID: String) {
        self.name = name
        self.deviceID = deviceID
    }
}

/// What became of a device's access: the answer to `POST /v1/revocations` and `POST /v1/readmissions`.
package struct AccessReport: Codable, Hashable, Sendable {
    /// The device's name.
    package var device: String
    package var deviceID: String
    /// The shares that it is about.
    package var shares: [String]
    /// How many join links of these shares are void that nobody had used.
    package var voidLinks: Int
    package init(device: String, deviceID: String, shares: [String], voidLinks: Int) {
        self.device = device
        self.deviceID = deviceID
        self.shares = shares
        self.voidLinks = voidLinks
    }
}

package struct HubDeviceReport: Codable, Hashable, Sendable {
    package var name: String
    package var deviceID: String
    package var isOnline: Bool
    /// The newest revision that the device said it durably holds.
    package var appliedRevision: UInt64
    package init(name: String, deviceID: String, isOnline: Bool, appliedRevision: UInt64) {
        self.name = name
        self.deviceID = deviceID
        self.isOnline = isOnline
        self.appliedRevision = appliedRevision
    }
}
