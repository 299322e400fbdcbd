// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage
import RelayWire

/// Decides who may connect: members of the share, and who brings a join link's token.
///
/// A share that there is not and one that the device is no member of are told alike.
struct Admission: Sendable {
    let shares: ShareTable
    let heartbeatSeconds: UInt32
    let logger: Logger

    func admit(_ device: DeviceID, _ hello: Hello) async -> Result<HelloAnswer, Refusal> {
        let result = await decide(device, hello)
        if case .failure(let refusal) = result {
            logger.info(
                "device refused",
                metadata: [
                    "device": "\(device.short)", "name": "\(displayText(Array(hello.deviceName.utf8)))",
                    "share": "\(displayText(Array(hello.share.utf8)))", "reason": "\(refusal.text)",
                ])
        }
        return result
    }

    private func decide(_ device: DeviceID, _ hello: Hello) async -> Result<HelloAnswer, Refusal> {
        guard hello.version == Hello.currentVersion else {
            return .failure(Refusal(.unsupportedVersion, Hello.versionText(hello.version)))
        }
        let share = shares[hello.share]
        do {
            switch try await share?.membership.standing(of: device) {
            case .member?:
                if let share { return await answer(share, device) }
            // No link is a way back: whoever took the access back gives it again.
            case .revoked?: return .failure(.revoked(hello.share))
            case .stranger?, nil: break
            }
            guard let token = hello.token else {
                return .failure(
                    Refusal(.unknownDevice, "this device is not a member of a share of that name"))
            }
            guard let share,
                try await share.membership.redeem(token, device, name: hello.deviceName)
            else {
                return .failure(
                    Refusal(.badToken, "the join link was used before, has expired, or is for another share"))
            }
            logger.info(
                "device admitted",
                metadata: [
                    "device": "\(device.short)", "name": "\(displayText(Array(hello.deviceName.utf8)))",
                    "share": "\(displayText(Array(hello.share.utf8)))",
                ])
            return await answer(share, device)
        } catch {
            logger.error("cannot decide on admission", metadata: ["error": "\(error)"])
            return .failure(.failure)
        }
    }

    /// A member is admitted, or told why the share cannot be served.
    private func answer(_ share: Share, _ device: DeviceID) async -> Result<HelloAnswer, Refusal> {
        if let error = await share.session.unavailability() { return .failure(.failure(error)) }
        return .success(
            HelloAnswer(share: share.record.id, device: device, heartbeatSeconds: heartbeatSeconds))
    }
}
