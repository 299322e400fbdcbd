// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
package import RelayCore

// What is asked of a hub alone.

extension ControlClient {
    /// What the hub says of itself.
    package func hubStatus() async throws(ControlError) -> HubReport {
        try await answer(HubReport.self, .GET, APIContract.Route.status)
    }

    /// A new join link of the hub, for a share that is made if there is none and `creates` says so.
    package func invite(
        share: String, address: String?, creates: Bool = false
    ) async throws(ControlError) -> String {
        let wish = InviteRequest(share: share, address: address, create: creates ? true : nil)
        return try await answer(InviteAnswer.self, to: wish, at: APIContract.Route.invites).link
    }

    /// Takes a device's access back; `device` is its name, or how its id begins.
    package func revoke(device: String, share: String?) async throws(ControlError) -> AccessReport {
        try await answer(
            AccessReport.self, to: AccessRequest(device: device, share: share),
            at: APIContract.Route.revocations)
    }

    /// Gives a device its access again that was taken back.
    package func readmit(device: String, share: String?) async throws(ControlError) -> AccessReport {
        try await answer(
            AccessReport.self, to: AccessRequest(device: device, share: share),
            at: APIContract.Route.readmissions)
    }

    private func answer<Answer: Decodable>(
        _ type: Answer.Type, to wish: some Encodable, at route: String
    ) async throws(ControlError) -> Answer {
        var request = request(.POST, route, Query())
        request.headers.add(name: "Content-Type", value: "application/json")
        do {
            request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(wish)))
        } catch {
            throw .usage("cannot send the request: \(error)")
        }
        return try decoded(type, from: await collect(request))
    }
}
