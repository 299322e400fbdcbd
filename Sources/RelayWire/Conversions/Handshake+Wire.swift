// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore

extension Hello {
    /// Throws `refused` with `unsupportedVersion`, before it looks at anything else, when the version is not
    /// the one this side speaks.
    init(wire: WireHello) throws(WireError) {
        let version = try required(wire.hasVersion ? wire.version : nil, "hello.version")
        guard version == Hello.currentVersion else {
            throw .refused(.unsupportedVersion, Hello.versionText(version))
        }
        let share = try required(wire.hasShare ? wire.share : nil, "hello.share")
        guard ShareName.isValid(share) else { throw .protocolViolation("hello.share is no share name") }
        var token: [UInt8]?
        if wire.hasToken {
            guard WireLimits.tokenBytes.contains(wire.token.count) else {
                throw .protocolViolation("hello.token has \(wire.token.count) bytes")
            }
            token = Array(wire.token)
        }
        self.init(
            version: version,
            role: try ConnectionRole(wire: wire.hasRole ? wire.role : nil),
            share: share,
            deviceName: try PeerText.read(
                wire.hasDeviceName ? wire.deviceName : nil, "hello.device_name",
                limitBytes: WireLimits.nameBytes),
            token: token)
    }

    var wire: WireHello {
        var wire = WireHello()
        wire.version = version
        wire.role = role.wire
        wire.share = share
        wire.deviceName = PeerText.write(deviceName, limitBytes: WireLimits.nameBytes)
        if let token { wire.token = Data(token) }
        return wire
    }
}

/// Names of shares as they may be on the wire and in join links.
package enum ShareName {
    package static let limitBytes = WireLimits.nameBytes

    /// Whether it has 1 to `limitBytes` bytes and no control characters.
    package static func isValid(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= limitBytes && !PeerText.hasControls(name)
    }
}

extension ConnectionRole {
    init(wire: WireConnectionRole?) throws(WireError) {
        switch try required(wire, "hello.role") {
        case .control: self = .control
        case .bulk: self = .bulk
        case .unspecified, .UNRECOGNIZED: throw .protocolViolation("hello.role is unknown")
        }
    }

    var wire: WireConnectionRole {
        switch self {
        case .control: .control
        case .bulk: .bulk
        }
    }
}

extension HelloAnswer {
    init(wire: WireHelloAnswer) throws(WireError) {
        let seconds = try required(
            wire.hasHeartbeatSeconds ? wire.heartbeatSeconds : nil, "hello answer.heartbeat_seconds")
        guard WireLimits.heartbeatSeconds.contains(seconds) else {
            throw .protocolViolation("hello answer.heartbeat_seconds is \(seconds)")
        }
        self.init(
            share: try ShareID(wire: wire.hasShare ? wire.share : nil, "hello answer.share"),
            device: try DeviceID(wire: wire.hasDevice ? wire.device : nil, "hello answer.device"),
            heartbeatSeconds: seconds)
    }

    var wire: WireHelloAnswer {
        var wire = WireHelloAnswer()
        wire.share = share.wire
        wire.device = device.wire
        wire.heartbeatSeconds = heartbeatSeconds
        return wire
    }
}

extension Refusal {
    init(wire: WireRefusal) throws(WireError) {
        self.init(
            RefusalReason(wire: try required(wire.hasReason ? wire.reason : nil, "refusal.reason")),
            try PeerText.read(wire.hasText ? wire.text : nil, "refusal.text"))
    }

    var wire: WireRefusal {
        var wire = WireRefusal()
        wire.reason = reason.wire
        wire.text = PeerText.write(text)
        return wire
    }
}

extension RefusalReason {
    /// Reasons of later versions are failures like any other.
    init(wire: WireRefusalReason) {
        switch wire {
        case .unsupportedVersion: self = .unsupportedVersion
        case .unknownDevice: self = .unknownDevice
        case .badToken: self = .badToken
        case .unknownShare: self = .unknownShare
        case .malformed: self = .malformed
        case .limit: self = .limit
        case .shuttingDown: self = .shuttingDown
        case .superseded: self = .superseded
        case .revoked: self = .revoked
        case .left: self = .left
        case .needed: self = .needed
        case .failure, .unspecified, .UNRECOGNIZED: self = .failure
        }
    }

    var wire: WireRefusalReason {
        switch self {
        case .unsupportedVersion: .unsupportedVersion
        case .unknownDevice: .unknownDevice
        case .badToken: .badToken
        case .unknownShare: .unknownShare
        case .malformed: .malformed
        case .limit: .limit
        case .shuttingDown: .shuttingDown
        case .failure: .failure
        case .superseded: .superseded
        case .revoked: .revoked
        case .left: .left
        case .needed: .needed
        }
    }
}
