// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization

/// A TCP hop between an agent and its hub that can fall silent, cut, or cut after a number of bytes.
final class TestProxy: Sendable {
    private let server: any Channel
    private let state: State
    let port: Int

    /// How the proxy treats the bytes; shared with its handlers.
    final class State: Sendable {
        let channels = Mutex<[any Channel]>([])
        /// How many bytes of the direction that is counted pass before everything is cut.
        let remaining: Mutex<Int>
        let isSilent = Mutex(false)
        init(remaining: Int) { self.remaining = Mutex(remaining) }
    }

    private init(server: any Channel, state: State) {
        self.server = server
        self.state = state
        port = server.localAddress?.port ?? 0
    }

    /// Counted, and cut after `limit` bytes, is what comes from the agent, or the hub's answers.
    static func start(
        to target: Int, passing limit: Int = .max, ofAnswers: Bool = false
    ) async throws -> TestProxy {
        let state = State(remaining: limit)
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { inner in
                state.channels.withLock { $0.append(inner) }
                ClientBootstrap(group: inner.eventLoop)
                    .channelOption(.autoRead, value: false)
                    .channelInitializer { outer in
                        state.channels.withLock { $0.append(outer) }
                        return outer.eventLoop.makeCompletedFuture {
                            try outer.pipeline.syncOperations.addHandler(
                                Forwarder(to: inner, state: state, counts: ofAnswers))
                        }
                    }
                    .connect(host: "127.0.0.1", port: target)
                    .flatMap { outer in
                        inner.eventLoop.makeCompletedFuture {
                            try inner.pipeline.syncOperations.addHandler(
                                Forwarder(to: outer, state: state, counts: !ofAnswers))
                            outer.read()
                            inner.read()
                        }
                    }
                    .whenFailure { _ in inner.close(promise: nil) }
                // Not when the hub is connected: until this is done, the channel cannot be read from.
                return inner.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return TestProxy(server: server, state: state)
    }

    /// How many bytes of the direction that is counted may still pass.
    var remaining: Int { state.remaining.withLock { $0 } }

    /// From now on nothing passes, and nobody is told.
    func fallSilent() { state.isSilent.withLock { $0 = true } }

    /// Closes everything that passes through.
    func cut() {
        let channels = state.channels.withLock { $0 }
        for channel in channels { channel.close(promise: nil) }
    }

    func stop() async {
        cut()
        try? await server.close().get()
    }
}

/// Passes one direction on.
private final class Forwarder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let partner: any Channel
    private let state: TestProxy.State
    private let counts: Bool

    init(to partner: any Channel, state: TestProxy.State, counts: Bool) {
        self.partner = partner
        self.state = state
        self.counts = counts
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !state.isSilent.withLock({ $0 }) else { return }
        var buffer = Self.unwrapInboundIn(data)
        let channel = context.channel
        if counts {
            let passing = state.remaining.withLock { remaining in
                let passing = min(remaining, buffer.readableBytes)
                remaining -= passing
                return passing
            }
            if passing < buffer.readableBytes {
                let rest = buffer.readSlice(length: passing) ?? ByteBuffer()
                return partner.writeAndFlush(rest).assumeIsolated().whenComplete { _ in
                    self.partner.close(promise: nil)
                    channel.close(promise: nil)
                }
            }
        }
        partner.writeAndFlush(buffer).assumeIsolated().whenComplete { _ in channel.read() }
    }

    func channelInactive(context: ChannelHandlerContext) { partner.close(promise: nil) }
}
