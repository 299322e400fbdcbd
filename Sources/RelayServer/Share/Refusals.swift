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

    static func malformed(_ text: String) -> Refusal { Refusal(.malformed, text) }
}

extension DeviceID {
    /// The first digits of the id, for logs.
    var short: String { String(description.prefix(12)) }
}
