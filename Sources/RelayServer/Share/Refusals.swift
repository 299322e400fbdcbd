// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayWire

extension Refusal {
    static let superseded = Refusal(.superseded, "the device opened a newer connection for the share")
    static let shuttingDown = Refusal(.shuttingDown, "the hub is shutting down")
    static let failure = Refusal(.failure, "the hub cannot serve the share at the moment; its log says why")

    /// The hub cannot serve a share, for this reason if it is known.
    static func failure(_ error: StateError?) -> Refusal {
        guard let error else { return .failure }
        return Refusal(.failure, "the hub cannot serve the share: \(error)")
    }

    static let left = Refusal(.left, "the device left the share")

    /// The device's access to the share was taken back.
    static func revoked(_ share: String) -> Refusal {
        Refusal(
            .revoked,
            "this device's access to the share \(displayText(Array(share.utf8))) was revoked at the hub")
    }

    static func malformed(_ text: String) -> Refusal { Refusal(.malformed, text) }
}

extension DeviceID {
    /// The first digits of the id, for logs.
    var short: String { String(description.prefix(12)) }
}
