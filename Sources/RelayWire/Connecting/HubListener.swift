// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
package import RelayCore
import Synchronization

/// A hub's port: accepts connections, has them admitted, and gives each to its own task.
package final class HubListener: Sendable {
    private let host: String
    private let port: Int
    private let identity: DeviceIdentity
    private let settings: ConnectionSettings
    private let turnstile: Turnstile

    /// `port` 0 takes any free port; `host` is an address or name of this machine.
    package init(
        host: String, port: Int, identity: DeviceIdentity, settings: ConnectionSettings = ConnectionSettings()
    ) {
        self.host = host
        self.port = port
        self.identity = identity
        self.settings = settings
        turnstile = Turnstile(
            connectionLimit: settings.connectionLimit, unadmittedLimit: settings.unadmittedLimit)
    }

    /// Serves until the task is cancelled; then says goodbye to everyone, and returns once all handlers did.
    ///
    /// `ready` is told the port. `admit` decides on a hello; the device in it is proven, its name and share
    /// are claims. `control` and `bulk` own an admitted connection: it closes when they return, and they
    /// should return when its `next` ends or throws. What one connection does ends no other. Throws
    /// `cannotListen` only.
    package func run(
        ready: @Sendable (_ boundPort: Int) -> Void,
        admit: @escaping @Sendable (DeviceID, Hello) async -> Result<HelloAnswer, Refusal>,
        control: @escaping @Sendable (DeviceID, Hello, HubControl) async -> Void,
        bulk: @escaping @Sendable (DeviceID, Hello, Bulk) async -> Void
    ) async throws(WireError) {
        let (arrivals, arriving) = AsyncStream.makeStream(of: Arrival.self)
        let server = try await bind(arriving)
        ready(server.localAddress?.port ?? port)
        let reception = Reception(admit: admit, control: control, bulk: bulk)
        await withTaskCancellationHandler {
            // Results of tasks are discarded as they end, so that a hub can run for ever.
            await withDiscardingTaskGroup { group in
                for await arrival in arrivals {
                    group.addTask { await reception.serve(arrival) }
                }
                group.cancelAll()
            }
        } onCancel: {
            server.close(promise: nil)
            arriving.finish()
        }
        try? await server.closeFuture.get()
        guard Task.isCancelled else {
            throw .cannotListen("cannot listen on \(addressText(host, port)) any more")
        }
    }

    private func bind(_ arriving: AsyncStream<Arrival>.Continuation) async throws(WireError) -> any Channel {
        let name = addressText(host, port)
        do {
            let context = identity.serverContext
            let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AcceptPauseChannelHandler())
                    }
                }
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { [self] channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard let place = turnstile.enter() else { throw WireError.closed }
                        channel.closeFuture.whenComplete { _ in place.left() }
                        arriving.yield(Arrival(link: try makeLink(channel, context), place: place))
                    }
                }
                .bind(host: host, port: port).get()
            server.closeFuture.whenComplete { _ in arriving.finish() }
            return server
        } catch let error as WireError {
            throw error
        } catch {
            throw listeningError(error, name: name)
        }
    }

    private func makeLink(_ channel: any Channel, _ context: NIOSSLContext) throws -> Link {
        let address = channel.remoteAddress
        let name = address.map { addressText($0.ipAddress ?? "?", $0.port ?? 0) } ?? "unknown address"
        return try Link(
            channel: channel, phase: .awaitingHello,
            tls: { identification in
                NIOSSLServerHandler(context: context) { identification.acceptAnyone($0, $1) }
            },
            settings: settings, peerName: name)
    }
}
