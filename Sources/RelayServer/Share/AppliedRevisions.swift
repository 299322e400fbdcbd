// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage

/// How far each device said that it has the share, and what of that the index does not say yet.
struct AppliedRevisions {
    private(set) var all: [DeviceID: Revision] = [:]
    private var unsaved: Set<DeviceID> = []
    /// Devices that are no members any more, of which the index may still say what they have.
    private var departed: Set<DeviceID> = []

    init() {}

    /// What the index says of a share with these members.
    init(_ known: [(device: DeviceID, revision: Revision)], members: [DeviceID: String]) {
        all = Dictionary(known.map { ($0.device, $0.revision) }) { first, _ in first }
        departed = Set(all.keys.filter { members[$0] == nil })
        for device in departed { all[device] = nil }
    }

    var hasUnsaved: Bool { !unsaved.isEmpty }

    func isUnsaved(_ device: DeviceID) -> Bool { unsaved.contains(device) }

    mutating func note(_ device: DeviceID, _ revision: Revision) {
        all[device] = revision
        unsaved.insert(device)
    }

    /// The device is no member any more.
    mutating func remove(_ device: DeviceID) {
        all[device] = nil
        departed.insert(device)
    }

    /// What this device said is not to be saved.
    mutating func leaveUnsaved(_ device: DeviceID) { unsaved.remove(device) }

    /// Nothing of what the devices said is to be saved.
    mutating func leaveUnsaved() { unsaved = [] }

    /// Writes what the index does not say yet, in the transaction that is open.
    func save(to index: SQLiteShareIndex) throws(StateError) {
        for device in unsaved.sorted() {
            if let revision = all[device] { try index.setAppliedRevision(device, revision) }
        }
        for device in departed.sorted() { try index.removeAppliedRevision(device) }
    }

    /// The transaction in which it was written is done.
    mutating func noteSaved() {
        unsaved = []
        departed = []
    }
}
