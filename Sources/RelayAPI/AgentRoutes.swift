// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import RelayCore

/// What can be asked of an agent.
struct AgentRoutes: Sendable {
    let agent: any AgentControlling

    func add(to router: Router<BasicRequestContext>) {
        addReports(to: router)
        addContents(to: router)
    }

    private func addReports(to router: Router<BasicRequestContext>) {
        router.get(RouterPath(APIContract.Route.status)) { [agent] request, _ in
            _ = try QueryParameters(request, allowing: [])
            return try JSONAnswer.response(await agent.status())
        }
        router.get(RouterPath(APIContract.Route.list)) { [agent] request, _ in
            let query = try QueryParameters(request, allowing: [.share, .path])
            return try JSONAnswer.response(await agent.list(share: query.share(), path: query.pathOrRoot()))
        }
        router.post(RouterPath(APIContract.Route.wait)) { [agent] request, _ in
            let query = try QueryParameters(request, allowing: [.share, .timeout])
            let (share, timeout) = (try query.share(), try query.timeoutSeconds())
            return try await untilDisconnected(request) {
                try await agent.wait(share: share, timeoutSeconds: timeout)
                return Response(status: .noContent, headers: [.connection: "close"])
            }
        }
        router.post(RouterPath(APIContract.Route.verify)) { [agent] request, _ in
            let share = try QueryParameters(request, allowing: [.share]).share()
            return try await untilDisconnected(request) {
                try JSONAnswer.response(
                    await agent.verify(share: share), headers: [.connection: "close"])
            }
        }
        router.post(RouterPath(APIContract.Route.download)) { [agent] request, _ in
            let query = try QueryParameters(request, allowing: [.share, .path, .timeout])
            let (share, path, timeout) = (try query.share(), try query.path(), try query.timeoutSeconds())
            return try await untilDisconnected(request) {
                let place = try await agent.download(share: share, path: path, timeoutSeconds: timeout)
                return try JSONAnswer.response(
                    DownloadAnswer(path: place), headers: [.connection: "close"])
            }
        }
    }

    private func addContents(to router: Router<BasicRequestContext>) {
        router.get(RouterPath(APIContract.Route.content)) { [agent] request, _ in
            let query = try QueryParameters(request, allowing: [.share, .path, .timeout])
            return try await ContentAnswer(
                agent: agent, share: query.share(), path: query.path(), timeoutSeconds: query.timeoutSeconds()
            ).response(to: request)
        }
        router.put(RouterPath(APIContract.Route.content)) { [agent] request, _ in
            let query = try QueryParameters(request, allowing: [.share, .path, .mode, .modified])
            let body = UploadBody(request)
            try await agent.upload(
                share: query.share(), path: query.path(), mode: query.mode(), modified: query.modified(),
                from: { try await body.next() })
            return Response(status: .noContent)
        }
        router.post(RouterPath(APIContract.Route.confirmation)) { [agent] request, _ in
            let query = try QueryParameters(request, allowing: [.share])
            try await agent.confirm(share: query.share())
            return Response(status: .noContent)
        }
        router.post(RouterPath(APIContract.Route.rejection)) { [agent] request, _ in
            let query = try QueryParameters(request, allowing: [.share])
            try await agent.reject(share: query.share())
            return Response(status: .noContent)
        }
        router.post(RouterPath(APIContract.Route.departure)) { [agent] request, _ in
            let query = try QueryParameters(request, allowing: [.share, .force])
            return try JSONAnswer.response(
                await agent.leave(share: query.share(), isForced: query.isForced()))
        }
        router.put(RouterPath(APIContract.Route.directory)) { [agent] request, _ in
            let query = try QueryParameters(request, allowing: [.share, .path])
            try await agent.makeDirectory(share: query.share(), path: query.path())
            return Response(status: .noContent)
        }
        router.delete(RouterPath(APIContract.Route.content)) { [agent] request, _ in
            let query = try QueryParameters(request, allowing: [.share, .path])
            try await agent.delete(share: query.share(), path: query.path())
            return Response(status: .noContent)
        }
    }
}

/// Runs what may take long, and cancels it when the client goes away. The answer must close the connection,
/// whose inbound side is spent by the watching.
func untilDisconnected<Value: Sendable>(
    _ request: Request, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await request.body.consumeWithCancellationOnInboundClose { @Sendable _ in try await work() }
}
