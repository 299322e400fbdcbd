// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayWire
import Synchronization

/// The names of a share's members, and why those are none any more that were while the hub ran.
final class MemberRoll: Sendable {
    private struct State {
        var names: [DeviceID: String]
        var dismissed: [DeviceID: Refusal] = [:]
    }

    private let state: Mutex<State>

    init(_ names: [DeviceID: String]) { state = Mutex(State(names: names)) }

    func note(_ device: DeviceID, name: String) {
        state.withLock { state in
            state.names[device] = name
            state.dismissed[device] = nil
        }
    }

    /// The device is no member any more; the refusal is what it is told.
    func dismiss(_ device: DeviceID, _ refusal: Refusal) {
        state.withLock { state in
            state.names[device] = nil
            state.dismissed[device] = refusal
        }
    }

    /// What a device is to be told that is no member any more; nil for the others.
    func dismissal(of device: DeviceID) -> Refusal? { state.withLock { $0.dismissed[device] } }

    /// All members and their names.
    var all: [DeviceID: String] { state.withLock { $0.names } }
}
