// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import RelayCore

/// What can be asked of a hub.
struct HubRoutes: Sendable {
    let hub: any HubControlling

    func add(to router: Router<BasicRequestContext>) {
        router.get(RouterPath(APIContract.Route.status)) { [hub] request, _ in
            _ = try QueryParameters(request, allowing: [])
            return try JSONAnswer.response(await hub.status())
        }
        router.post(RouterPath(APIContract.Route.verify)) { [hub] request, _ in
            let share = try QueryParameters(request, allowing: [.share]).share()
            return try await untilDisconnected(request) {
                try JSONAnswer.response(await hub.verify(share: share), headers: [.connection: "close"])
            }
        }
        router.post(RouterPath(APIContract.Route.invites)) { [hub] request, _ in
            _ = try QueryParameters(request, allowing: [])
            let wish = try await JSONAnswer.body(InviteRequest.self, of: request)
            let link = try await hub.invite(
                share: wish.share, address: wish.address, creates: wish.create ?? false)
            return try JSONAnswer.response(InviteAnswer(link: link), status: .created)
        }
        router.post(RouterPath(APIContract.Route.revocations)) { [hub] request, _ in
            _ = try QueryParameters(request, allowing: [])
            let wish = try await JSONAnswer.body(AccessRequest.self, of: request)
            return try JSONAnswer.response(await hub.revoke(device: wish.device, share: wish.share))
        }
        router.post(RouterPath(APIContract.Route.readmissions)) { [hub] request, _ in
            _ = try QueryParameters(request, allowing: [])
            let wish = try await JSONAnswer.body(AccessRequest.self, of: request)
            return try JSONAnswer.response(await hub.readmit(device: wish.device, share: wish.share))
        }
    }
}
