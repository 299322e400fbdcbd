// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
package import Logging
import NIOHTTP1
import NIOPosix
package import RelayCore
import ServiceLifecycle
import Synchronization

/// The REST API of one running agent or hub on a Unix socket that only its user can open.
///
/// Journey of a request: socket, router, `QueryParameters` (text becomes values), the agent or hub, and the
/// answer as JSON or a byte stream. Invariants: a GET changes nothing; bytes are pulled, so that memory is
/// bounded; an error is always an `ErrorAnswer`. It decides nothing about files.
package struct APIServer: Sendable {
    private let responder: RouterResponder<BasicRequestContext>
    private let stateDirectory: String
    private let logger: Logger

    /// The API of an agent whose state is in this directory, which must exist.
    package init(agent: any AgentControlling, stateDirectory: String, logger: Logger) {
        let router = Router()
        router.add(middleware: ErrorAnswers(logger: logger))
        AgentRoutes(agent: agent).add(to: router)
        self.init(router: router, stateDirectory: stateDirectory, logger: logger)
    }

    /// The API of a hub whose data is in this directory, which must exist.
    package init(hub: any HubControlling, stateDirectory: String, logger: Logger) {
        let router = Router()
        router.add(middleware: ErrorAnswers(logger: logger))
        HubRoutes(hub: hub).add(to: router)
        self.init(router: router, stateDirectory: stateDirectory, logger: logger)
    }

    private init(router: Router<BasicRequestContext>, stateDirectory: String, logger: Logger) {
        self.responder = router.buildResponder()
        self.stateDirectory = stateDirectory
        self.logger = logger
    }

    /// Serves until the task is cancelled, which also ends the requests that are under way; `ready` is called
    /// once with the socket's path when clients can connect.
    ///
    /// Throws `refused` if another process serves the same state directory.
    package func run(ready: @escaping @Sendable (String) async -> Void = { _ in }) async throws(ControlError)
    {
        let socket = try APISocket.claim(stateDirectory: stateDirectory)
        defer { socket.withdraw() }
        let failure = Mutex<ControlError?>(nil)
        var quiet = logger
        quiet.logLevel = .critical  // Hummingbird calls it an error that a server is ended.
        do {
            // Not an `Application`: that would wake up every second to know the date.
            let server = try HTTPServerBuilder.http1().buildServer(
                configuration: ServerConfiguration(
                    address: .unixDomainSocket(path: socket.birthplace), backlog: Self.backlog,
                    availableConnectionsDelegate: ConnectionLimit()),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet,
                responder: { [responder, logger] request, writer, channel in
                    let context = BasicRequestContext(
                        source: ApplicationRequestContextSource(channel: channel, logger: logger))
                    let response: Response
                    do {
                        response = try await responder.respond(to: request, context: context)
                    } catch let error as HTTPParserError {
                        throw error
                    } catch {
                        response = Response(status: .internalServerError)
                    }
                    try await writer.write(response: response.head, body: response.body)
                },
                onServerRunning: { channel in
                    do throws(ControlError) {
                        try socket.publish()
                        await ready(socket.path)
                    } catch {
                        failure.withLock { $0 = error }
                        channel.close(promise: nil)
                    }
                })
            try await server.run()
        } catch is CancellationError {
        } catch {
            if !Task.isCancelled { throw .failed("cannot serve the socket \(socket.path): \(error)") }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// How many connections the kernel keeps waiting.
    private static let backlog = 1024
}
