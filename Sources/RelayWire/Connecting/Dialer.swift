// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
package import RelayCore
import Synchronization

/// Opens an agent's connections to its hub.
package enum Dialer {
    /// Opens a control connection. `hub` is the key that the hub must have; `hello.role` is set here.
    ///
    /// Throws `unreachable`, `wrongHub`, `refused` with the hub's reason, `timedOut`, or `closed` when the
    /// task is cancelled.
    package static func connectControl(
        host: String, port: Int, identity: DeviceIdentity, hub: DeviceID, hello: Hello,
        settings: ConnectionSettings = ConnectionSettings()
    ) async throws(WireError) -> (HelloAnswer, AgentControl) {
        let call = Call(host: host, port: port, identity: identity, hub: hub, settings: settings)
        let (answer, link) = try await call.connect(hello, as: .control)
        return (answer, AgentControl(agentControl: link, peer: hub))
    }

    /// Opens a bulk connection, otherwise like `connectControl`.
    package static func connectBulk(
        host: String, port: Int, identity: DeviceIdentity, hub: DeviceID, hello: Hello,
        settings: ConnectionSettings = ConnectionSettings()
    ) async throws(WireError) -> (HelloAnswer, Bulk) {
        let call = Call(host: host, port: port, identity: identity, hub: hub, settings: settings)
        let (answer, link) = try await call.connect(hello, as: .bulk)
        return (answer, Bulk(bulk: link, peer: hub))
    }
}

/// One attempt to connect.
private struct Call {
    let host: String
    let port: Int
    let identity: DeviceIdentity
    let hub: DeviceID
    let settings: ConnectionSettings

    var hubName: String { addressText(host, port) }

    func connect(_ hello: Hello, as role: ConnectionRole) async throws(WireError) -> (HelloAnswer, Link) {
        let link = try await dial()
        do {
            let answer = try await greet(link, hello, as: role)
            return (answer, link)
        } catch {
            await link.close()
            throw error
        }
    }

    /// Connects to the first address that answers; TLS goes on in the background.
    private func dial() async throws(WireError) -> Link {
        guard (1...65535).contains(port) else {
            throw .unreachable("cannot reach hub \(hubName): there is no such port")
        }
        let attempts = Attempts()
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(TimeAmount(settings.connecting))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        let result: Result<Link, WireError> = await withTaskCancellationHandler {
            do {
                return .success(
                    try await bootstrap.connect(host: host, port: port) { channel in
                        attempts.add(channel)
                        return channel.eventLoop.makeCompletedFuture { try makeLink(channel) }
                    })
            } catch {
                return .failure(Task.isCancelled ? .closed : dialingError(error, hubName: hubName))
            }
        } onCancel: {
            attempts.cancel()
        }
        return try result.get()
    }

    private func makeLink(_ channel: any Channel) throws -> Link {
        let context = identity.clientContext
        return try Link(
            channel: channel, phase: .awaitingAnswer,
            tls: { identification in
                try NIOSSLClientHandler(
                    context: context, serverHostname: nil,
                    customVerificationCallback: { identification.acceptOnly(hub, at: hubName, $0, $1) })
            },
            settings: settings, peerName: "hub \(hubName)")
    }

    private func greet(
        _ link: Link, _ hello: Hello, as role: ConnectionRole
    ) async throws(WireError) -> HelloAnswer {
        var hello = hello
        hello.role = role
        var writer = FrameWriter()
        try writer.append(.hello, encodeMessage(hello.wire), limitBytes: WireLimits.admissionFrameBytes)
        try await link.send(writer)

        guard let frame = try await link.next() else {
            throw .lost("connection to hub \(hubName) lost: it closed without an answer")
        }
        if case .message(.refusal, let payload) = frame {
            let refusal = try Refusal(wire: decodeMessage(WireRefusal.self, payload))
            throw .refused(refusal.reason, refusal.text)
        }
        let answer = try HelloAnswer(
            wire: decodeMessage(WireHelloAnswer.self, frame.payload(of: .helloAnswer)))
        guard answer.device == identity.id else {
            throw .protocolViolation("hub \(hubName) takes this device for another")
        }
        link.open(role, heartbeat: .seconds(Int64(answer.heartbeatSeconds)))
        return answer
    }
}

/// The channels of one attempt to connect, so that a cancelled task need not wait for the network.
private final class Attempts: Sendable {
    private let guarded = Mutex<(channels: [any Channel], isCancelled: Bool)>(([], false))

    func add(_ channel: any Channel) {
        let isLate = guarded.withLock { state in
            if !state.isCancelled { state.channels.append(channel) }
            return state.isCancelled
        }
        if isLate { channel.close(promise: nil) }
    }

    func cancel() {
        let channels = guarded.withLock { state in
            state.isCancelled = true
            defer { state.channels = [] }
            return state.channels
        }
        for channel in channels { channel.close(promise: nil) }
    }
}
