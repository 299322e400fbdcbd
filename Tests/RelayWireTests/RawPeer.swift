// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import RelayCore

@testable import RelayWire

/// An agent without manners: says what a test wants at a level of its choice.
struct RawPeer: Sendable {
    let channel: any Channel

    /// A TCP connection without TLS.
    static func plain(_ port: Int) async throws -> RawPeer {
        RawPeer(
            channel: try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: port).get())
    }

    /// A TLS connection that trusts anyone, with our certificate or without one.
    static func secured(_ port: Int, withCertificate: Bool, version: TLSVersion = .tlsv13) async throws
        -> RawPeer
    {
        let context: NIOSSLContext
        if withCertificate {
            context = try Identities.agent.get().clientContext
        } else {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .certificates([])
            configuration.maximumTLSVersion = version
            context = try NIOSSLContext(configuration: configuration)
        }
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(
                            context: context, serverHostname: nil,
                            customVerificationCallback: { $1.succeed(.certificateVerified) }))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawPeer(channel: channel)
    }

    /// A link of ours, whose frames a test writes itself.
    static func link(_ port: Int) async throws -> Link {
        let context = try Identities.agent.get().clientContext
        return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Link(
                        channel: channel, phase: .awaitingAnswer,
                        tls: { _ in
                            try NIOSSLClientHandler(
                                context: context, serverHostname: nil,
                                customVerificationCallback: { $1.succeed(.certificateVerified) })
                        },
                        settings: ConnectionSettings(), peerName: "test")
                }
            }
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// Returns when the other side has closed.
    func closed() async throws { try await channel.closeFuture.get() }
}

extension FrameWriter {
    /// A writer with one frame of these very bytes as payload.
    static func frame(_ kind: FrameKind, _ payload: [UInt8]) throws -> FrameWriter {
        var writer = FrameWriter()
        try writer.append(kind, payload, limitBytes: .max)
        return writer
    }
}
