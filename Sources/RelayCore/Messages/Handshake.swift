// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Which of its two connections for a share an agent opens.
package enum ConnectionRole: UInt8, Hashable, Sendable {
    /// Small messages: commits and the change feed.
    case control = 1
    /// Chunks and manifests, both ways.
    case bulk = 2
}

/// The first message on every connection, from the agent; its certificate says which device it is.
package struct Hello: Hashable, Sendable {
    package var version: UInt32
    package var role: ConnectionRole
    /// The share's name.
    package var share: String
    /// The device's name, for people.
    package var deviceName: String
    /// The single-use secret of a join link, on the first connection only.
    package var token: [UInt8]?

    package init(version: UInt32, role: ConnectionRole, share: String, deviceName: String, token: [UInt8]?) {
        self.version = version
        self.role = role
        self.share = share
        self.deviceName = deviceName
        self.token = token
    }

    /// The protocol's version; both sides must speak the same.
    package static let currentVersion: UInt32 = 1

    /// Why an agent that speaks this version is not let in, for people.
    package static func versionText(_ other: UInt32) -> String {
        let older = other < currentVersion ? "agent" : "hub"
        return "the hub speaks version \(currentVersion) of the protocol and this agent version \(other): "
            + "update the \(older)"
    }
}

/// The hub's answer to a `Hello` that it takes.
package struct HelloAnswer: Hashable, Sendable {
    package var share: ShareID
    package var device: DeviceID
    /// How often the hub expects to hear something, in seconds.
    package var heartbeatSeconds: UInt32

    package init(share: ShareID, device: DeviceID, heartbeatSeconds: UInt32) {
        self.share = share
        self.device = device
        self.heartbeatSeconds = heartbeatSeconds
    }
}
