// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayStorage

/// Who may follow and change one share.
///
/// What the registry knows for good and the roll for the connections is changed together, in the hub's line,
/// so that the roll never has a device that the registry does not have any more.
struct Membership: Sendable {
    let share: ShareRecord
    let registry: HubRegistry
    let lane: Lane
    let roll: MemberRoll

    func standing(of device: DeviceID) async throws(StateError) -> DeviceStanding {
        try await lane.run { () throws(StateError) in
            try registry.standing(share: share.id, device: device)
        }
    }

    /// Makes the device a member by the token of a join link; false when that is not worth anything.
    func redeem(_ token: [UInt8], _ device: DeviceID, name: String) async throws(StateError) -> Bool {
        let hash = Hashing.sha256(token)
        Failpoint.tokenRedeeming.reach()
        let isGood = try await lane.run { () throws(StateError) in
            let isGood = try registry.redeem(
                tokenHash: hash, share: share.id, device: device, name: name, now: wallClockSeconds())
            if isGood { roll.note(device, name: name) }
            return isGood
        }
        Failpoint.tokenRedeemed.reach()
        return isGood
    }

    /// The devices whose access was taken back; nil if there are none, or it cannot be told now.
    func revokedReports() async -> [HubRevokedReport]? {
        let devices = try? await lane.run { () throws(StateError) in
            try registry.revokedDevices(of: share.id)
        }
        guard let devices, !devices.isEmpty else { return nil }
        return devices.map { device in
            HubRevokedReport(
                name: displayText(Array(device.name.utf8)), deviceID: device.id.description)
        }
    }

    /// The device is a member no more, as it wished; a join link makes it one again.
    func leave(_ device: DeviceID) async throws(StateError) {
        try await lane.run { () throws(StateError) in
            try registry.removeMember(share: share.id, device: device)
            roll.dismiss(device, .left)
        }
        Failpoint.departureRecorded.reach()
    }
}
