// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import RelayCore

/// One TLS connection as its tasks see it, before it is known what messages it carries.
final class Link: Sendable {
    let inbox: Inbox
    let outbox: Outbox
    /// The peer's address, for people.
    let peerName: String
    private let channel: any Channel
    private let boundHandler: NIOLoopBound<ConnectionChannelHandler>
    private let boundIdentification: NIOLoopBound<Identification>

    /// Adds TLS and frames to a fresh channel. Called on its event loop.
    init(
        channel: any Channel, phase: FramePhase, tls: (Identification) throws -> NIOSSLHandler,
        settings: ConnectionSettings, peerName: String
    ) throws {
        self.channel = channel
        self.peerName = peerName
        inbox = Inbox(limitWeight: settings.unreadBytes, limitCount: settings.unreadMessages)
        outbox = Outbox(limitBytes: settings.unsentBytes)
        let identification = Identification()
        let handler = ConnectionChannelHandler(
            phase: phase, inbox: inbox, outbox: outbox, identification: identification, settings: settings,
            peerName: peerName)
        boundHandler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        boundIdentification = NIOLoopBound(identification, eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.addHandlers([try tls(identification), handler])
    }

    deinit { hangUp(nil) }

    /// The next frame; nil when the peer closed or this side did.
    func next() async throws(WireError) -> Frame? { try await next(limit: 1)?.first }

    /// What waits, at most `limit` and at least one; nil when the peer closed or this side did.
    func next(limit: Int) async throws(WireError) -> [Frame]? {
        switch await inbox.take(limit: limit) {
        case .frames(let frames, let mayRead):
            if mayRead { onLoop { $0.resumeReading() } }
            return frames
        case .end(let error?): throw error
        case .end(nil): return nil
        case .cancelled: throw .closed
        }
    }

    /// Sends frames as one, after waiting for room.
    func send(_ writer: FrameWriter) async throws(WireError) {
        try await outbox.waitForRoom()
        if try outbox.add(writer.buffers, byteCount: writer.byteCount) { onLoop { $0.flushOutbox() } }
    }

    /// Sends frames without waiting; false if there is no room.
    func sendNow(_ writer: FrameWriter) throws(WireError) -> Bool {
        guard outbox.hasRoom else { return false }
        if try outbox.add(writer.buffers, byteCount: writer.byteCount) { onLoop { $0.flushOutbox() } }
        return true
    }

    /// After admission: frames of this role may come. `heartbeat`: the peer's wish, if it is shorter.
    func open(_ role: ConnectionRole, heartbeat: Duration? = nil) {
        onLoop { $0.open(role, heartbeat: heartbeat) }
    }

    /// The device at the other end; nil before the TLS handshake.
    func peer() async -> DeviceID? {
        let bound = boundIdentification
        return try? await channel.eventLoop.submit { bound.value.device }.get()
    }

    /// The peer broke a rule of the protocol in a way that only the receiver could see.
    ///
    /// Nothing that came after is handed out, not even to a call that is already on its way.
    func violated(_ error: WireError) {
        inbox.finish(error, discarding: true)
        onLoop { $0.violated(error) }
    }

    /// Begins to close: what was sent goes out, then the goodbye, if one is given.
    /// `isCut`: what the peer does not take until the end of that is dropped.
    func hangUp(_ goodbye: Refusal?, isCut: Bool = false) { onLoop { $0.close(goodbye, isCut: isCut) } }

    /// Closes and waits until that is done, which is bounded. May be called again, and from several tasks.
    func close(_ goodbye: Refusal? = nil, isCut: Bool = false) async {
        hangUp(goodbye, isCut: isCut)
        try? await channel.closeFuture.get()
    }

    private func onLoop(_ body: @escaping @Sendable (ConnectionChannelHandler) -> Void) {
        let bound = boundHandler
        channel.eventLoop.execute { body(bound.value) }
    }
}
