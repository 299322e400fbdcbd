// SPDX-License-Identifier: Apache-2.0

import Logging
package import RelayCore
import RelayStorage
import RelayWire
import Synchronization

// Whom the shares are open to.

extension Hub {
    package func revoke(device: String, share: String?) async throws(ControlError) -> AccessReport {
        let (running, shares) = try chosen(share)
        let found = try await find(device, in: shares)
        let ids = found.shares.map(\.record.id)
        let voidLinks: Int
        do throws(StateError) {
            voidLinks = try await lane.run { () throws(StateError) in
                let count = try running.registry.revoke(
                    device: found.device.id, shares: ids, now: wallClockSeconds())
                for share in found.shares { share.roll.dismiss(found.device.id, .revoked(share.record.name)) }
                return count
            }
        } catch {
            throw .failed(error.description)
        }
        Failpoint.revocationRecorded.reach()
        for share in found.shares { share.cutOff(found.device.id, .revoked(share.record.name)) }
        let report = found.report(voidLinks: voidLinks)
        logger.notice(
            "device revoked",
            metadata: [
                "device": "\(found.device.id.short)", "name": "\(report.device)",
                "shares": "\(report.shares.joined(separator: ", "))",
            ])
        return report
    }

    package func readmit(device: String, share: String?) async throws(ControlError) -> AccessReport {
        let (running, shares) = try chosen(share)
        var found = try await find(device, in: shares)
        var revoked: [Share] = []
        do throws(StateError) {
            for share in found.shares {
                let standing = try await share.membership.standing(of: found.device.id)
                if standing == .revoked { revoked.append(share) }
            }
        } catch {
            throw .failed(error.description)
        }
        guard !revoked.isEmpty else {
            throw .notFound(
                "the access of \(displayText(Array(found.device.name.utf8))) was not revoked")
        }
        found.shares = revoked
        let (known, ids) = (found.device, revoked.map(\.record.id))
        do throws(StateError) {
            try await lane.run { [revoked] () throws(StateError) in
                try running.registry.readmit(device: known.id, shares: ids)
                Failpoint.readmissionRecorded.reach()
                for share in revoked { share.roll.note(known.id, name: known.name) }
            }
        } catch {
            throw .failed(error.description)
        }
        let report = found.report(voidLinks: 0)
        logger.notice(
            "device readmitted",
            metadata: [
                "device": "\(found.device.id.short)", "name": "\(report.device)",
                "shares": "\(report.shares.joined(separator: ", "))",
            ])
        return report
    }

    /// A device that is or was a member, and of what.
    private struct Found {
        var device: MemberRecord
        var shares: [Share]

        func report(voidLinks: Int) -> AccessReport {
            AccessReport(
                device: displayText(Array(device.name.utf8)), deviceID: device.id.description,
                shares: shares.map { displayText(Array($0.record.name.utf8)) }, voidLinks: voidLinks)
        }
    }

    /// The share that is named; all if none is.
    private func chosen(_ name: String?) throws(ControlError) -> (Running, [Share]) {
        guard let running = running.withLock({ $0 }) else { throw .unreachable("the hub does not run yet") }
        guard let name else { return (running, running.shares.all) }
        if let share = running.shares[name] { return (running, [share]) }
        let names = running.shares.all.map { displayText(Array($0.record.name.utf8)) }
        throw .notFound(
            "there is no share \(displayText(Array(name.utf8))) on this hub (there is: "
                + "\(names.joined(separator: ", ")))")
    }

    /// The fewest digits of an id by which a device is found.
    private static let leastDigits = 4

    /// Finds the one device of this name, or whose id begins so, among those that are or were members.
    private func find(_ text: String, in shares: [Share]) async throws(ControlError) -> Found {
        var found: [DeviceID: Found] = [:]
        do throws(StateError) {
            for share in shares {
                let known = try await lane.run { () throws(StateError) in
                    let registry = share.membership.registry
                    return try registry.members(of: share.record.id)
                        + registry.revokedDevices(of: share.record.id)
                }
                for device in known {
                    found[device.id, default: Found(device: device, shares: [])].shares.append(share)
                }
            }
        } catch {
            throw .failed(error.description)
        }
        let digits = text.lowercased()
        let byID = found.values.filter {
            digits.utf8.count >= Self.leastDigits && $0.device.id.description.hasPrefix(digits)
        }
        let byName = found.values.filter {
            $0.device.name == text || displayText(Array($0.device.name.utf8)) == text
        }
        let meant = Dictionary((byID + byName).map { ($0.device.id, $0) }) { first, _ in first }
        guard let only = meant.values.first else {
            throw .notFound(
                "there is no device \(displayText(Array(text.utf8))): relay-server devices lists them")
        }
        guard meant.count == 1 else {
            throw .usage(
                "which device? say more of its id: "
                    + meant.keys.map(\.description).sorted().joined(separator: ", "))
        }
        return only
    }
}
