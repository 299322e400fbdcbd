// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import FoundationEssentials
import Glibc
import NIOCore
import NIOHTTP1
package import RelayCore

/// The client of an agent's or a hub's REST API.
///
/// Purpose: to be a person's and a script's hand, without logic of its own. Every failure is a
/// `ControlError`; a call waits as long as the agent does, however long that is; contents stream with bounded
/// memory. Calls may run at the same time.
package final class ControlClient: Sendable {
    let target: ControlTarget
    /// The path of the socket that is called.
    package var socketPath: String { target.socket }
    private let http: HTTPClient

    /// A client of this agent or hub; nothing is connected before the first call. `shutdown` must be called
    /// before the client is dropped.
    package init(_ target: ControlTarget) {
        self.target = target
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .init(connect: .seconds(5), read: nil)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Closes all connections.
    package func shutdown() async {
        try? await http.shutdown()
    }

    /// What the agent says of itself.
    package func agentStatus() async throws(ControlError) -> AgentReport {
        try await answer(AgentReport.self, .GET, APIContract.Route.status)
    }

    /// The entries at and beneath a path of the share, in the order of their paths.
    package func list(share: String?, path: RelativePath) async throws(ControlError) -> [EntryReport] {
        try await answer(
            [EntryReport].self, .GET, APIContract.Route.list, Query(share: share, path: path))
    }

    /// Returns when the folder is in sync; `timedOut` after so many seconds (nil: never).
    package func wait(share: String?, timeoutSeconds: Double?) async throws(ControlError) {
        try await done(.POST, APIContract.Route.wait, Query(share: share, timeoutSeconds: timeoutSeconds))
    }

    /// Says that what the folder is held for is meant.
    package func confirm(share: String?) async throws(ControlError) {
        try await done(.POST, APIContract.Route.confirmation, Query(share: share))
    }

    /// Says that what the folder is held for is not meant: the share's state comes back.
    package func reject(share: String?) async throws(ControlError) {
        try await done(.POST, APIContract.Route.rejection, Query(share: share))
    }

    /// Gives a folder up for good, forced even if this device alone has contents of the share.
    package func leave(share: String?, isForced: Bool) async throws(ControlError) -> DepartureReport {
        try await answer(
            DepartureReport.self, .POST, APIContract.Route.departure, Query(share: share, isForced: isForced))
    }

    /// Compares disk, index and hub, and returns what was found when all was looked at.
    package func verify(share: String?) async throws(ControlError) -> [VerificationReport] {
        try await answer(
            [VerificationReport].self, .POST, APIContract.Route.verify, Query(share: share))
    }

    /// Verifies what a hub stores, of all shares if none is named.
    package func verifyStore(share: String?) async throws(ControlError) -> [HubVerificationReport] {
        try await answer(
            [HubVerificationReport].self, .POST, APIContract.Route.verify, Query(share: share))
    }

    /// Brings a content into the folder and returns the file's absolute path.
    package func download(
        share: String?, path: RelativePath, timeoutSeconds: Double?
    ) async throws(ControlError) -> String {
        let query = Query(share: share, path: path, timeoutSeconds: timeoutSeconds)
        return try await answer(DownloadAnswer.self, .POST, APIContract.Route.download, query).path
    }

    /// Makes an (empty) directory in the share, and those above it.
    package func makeDirectory(share: String?, path: RelativePath) async throws(ControlError) {
        try await done(.PUT, APIContract.Route.directory, Query(share: share, path: path))
    }

    /// Removes a file, link or whole directory from the share.
    package func delete(share: String?, path: RelativePath) async throws(ControlError) {
        try await done(.DELETE, APIContract.Route.content, Query(share: share, path: path))
    }
}

extension ControlClient {
    /// The largest answer that is held in memory whole.
    private static let limitAnswerBytes = 1 << 30

    func request(_ method: HTTPMethod, _ route: String, _ query: Query) -> HTTPClientRequest {
        let host = percentEncoded(target.socket.utf8)
        var request = HTTPClientRequest(url: "http+unix://\(host)\(route)\(query.text)")
        request.method = method
        return request
    }

    /// Sends a request and returns the answer if it is a good one; its body is yet to be read.
    func send(_ request: HTTPClientRequest) async throws(ControlError) -> HTTPClientResponse {
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, deadline: .distantFuture)
        } catch {
            throw mapped(error)
        }
        guard (200..<300).contains(response.status.code) else {
            let body = try await collect(response)
            guard let answer = try? JSONDecoder().decode(ErrorAnswer.self, from: body) else {
                throw .failed("unexpected answer on \(target.socket): \(response.status)")
            }
            throw ControlError(answer)
        }
        return response
    }

    /// What a failure below HTTP means.
    func mapped(_ error: any Error) -> ControlError {
        if let error = error as? ControlError { return error }
        if error is CancellationError || (error as? HTTPClientError) == .cancelled {
            return .failed("interrupted")
        }
        if let error = error as? IOError {
            switch error.errnoCode {
            case ENOENT, ECONNREFUSED, ENOTDIR: return .unreachable(target.absence)
            case EACCES, EPERM: return .refused("the socket \(target.socket) belongs to another user")
            default: break
            }
        }
        if case SocketAddressError.unixDomainSocketPathTooLong = error { return .unreachable(target.absence) }
        if (error as? HTTPClientError) == .remoteConnectionClosed {
            return .unreachable("the connection to \(target.socket) was closed before the answer")
        }
        return .failed("cannot talk to \(target.socket): \(error)")
    }

    func answer<Answer: Decodable>(
        _ type: Answer.Type, _ method: HTTPMethod, _ route: String, _ query: Query = Query()
    ) async throws(ControlError) -> Answer {
        try decoded(type, from: await collect(request(method, route, query)))
    }

    func done(_ method: HTTPMethod, _ route: String, _ query: Query) async throws(ControlError) {
        _ = try await collect(request(method, route, query))
    }

    func collect(_ request: HTTPClientRequest) async throws(ControlError) -> Data {
        try await collect(send(request))
    }

    private func collect(_ response: HTTPClientResponse) async throws(ControlError) -> Data {
        do {
            let body = try await response.body.collect(upTo: Self.limitAnswerBytes)
            return Data(body.readableBytesView)
        } catch {
            throw mapped(error)
        }
    }

    func decoded<Answer: Decodable>(
        _ type: Answer.Type, from body: Data
    ) throws(ControlError) -> Answer {
        do {
            return try JSONDecoder().decode(type, from: body)
        } catch {
            throw .failed("unexpected answer on \(target.socket): is it another version of Relay?")
        }
    }
}
