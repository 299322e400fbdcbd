// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Why a node is not in sync.
package struct Reason: Hashable, Sendable {
    package var hindrance: Hindrance
    /// One line for people.
    package var text: String
    /// The devices that are waited for.
    package var devices: [String] = []

    init(_ hindrance: Hindrance, _ text: String, devices: [String] = []) {
        self.hindrance = hindrance
        self.text = text
        self.devices = devices
    }

    init(_ problem: Problem) { self.init(Hindrance(problem.cause), problem.description) }

    /// Its content is only on these devices.
    static func only(on devices: [String]) -> Reason {
        Reason(
            .device, "its content is only on \(devices.joined(separator: ", ")), not online now",
            devices: devices)
    }
}

/// One path that is not in sync.
package struct UnsyncedPath: Hashable, Sendable {
    package var path: RelativePath
    package var reason: Reason
    /// The content that is on its way here.
    package var wanted: FilePayload?
}
