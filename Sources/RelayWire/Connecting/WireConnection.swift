// SPDX-License-Identifier: Apache-2.0

package import RelayCore
import Synchronization

/// An open connection. Messages come from `next` in the order in which the peer sent them, or are handled
/// where they come in (`receiveDirectly`); `send` waits while too much is on its way. Signs of life are
/// exchanged inside and never seen.
///
/// One task at a time may receive; any number may send, and a call's messages stay together. A cancelled
/// `next` or `send` throws `closed` and leaves the connection as it was. A connection that is let go of
/// closes.
package final class WireConnection<Inbound: Sendable, Outbound: Sendable>: Sendable {
    /// The device at the other end.
    package let peer: DeviceID
    /// The address of the other end, for people.
    package var peerName: String { link.peerName }

    private let link: Link
    private let decode: @Sendable (Frame) throws(WireError) -> Inbound
    private let encode: @Sendable (Outbound, inout FrameWriter) throws(WireError) -> Void

    /// The most messages that one `nextBatch` returns.
    package static var batchLimit: Int { 256 }

    init(
        link: Link, peer: DeviceID,
        decode: @escaping @Sendable (Frame) throws(WireError) -> Inbound,
        encode: @escaping @Sendable (Outbound, inout FrameWriter) throws(WireError) -> Void
    ) {
        self.link = link
        self.peer = peer
        self.decode = decode
        self.encode = encode
    }

    /// How many messages came and were not received yet.
    package var unreadCount: Int { link.inbox.count }

    /// How many bytes of chunks came, of whole chunks or of one that is on its way.
    package var receivedChunkBytes: UInt64 { link.inbox.chunkBytes.load(ordering: .relaxed) }

    /// Sends a message. Returns when it is on its way, which does not mean that it arrived.
    ///
    /// Throws what ended the connection, `closed` after `close`, or `protocolViolation` for a message that
    /// breaks a limit; then nothing of the call is sent and the connection is as before.
    package func send(_ message: Outbound) async throws(WireError) { try await send([message]) }

    /// Sends messages, in order and with nothing in between.
    package func send(_ messages: [Outbound]) async throws(WireError) {
        guard !messages.isEmpty else { return }
        var writer = FrameWriter()
        for message in messages { try encode(message, &writer) }
        try await link.send(writer)
    }

    /// Sends a message from any thread, without waiting: false if there is no room for it at the moment, or
    /// if it cannot be sent, and `send` is to tell why.
    func sendNow(_ message: Outbound) -> Bool {
        var writer = FrameWriter()
        do throws(WireError) {
            try encode(message, &writer)
            return try link.sendNow(writer)
        } catch {
            return false
        }
    }

    /// Has small messages handled where they come in, on the connection's event loop, as long as a task waits
    /// for them and nothing else came before them. `handle` does not block; false: the task is to get it.
    package func receiveDirectly(_ handle: @escaping @Sendable (Inbound) -> Bool) {
        let (decode, inbox) = (decode, link.inbox)
        inbox.receiveDirectly { frame in
            // What is malformed is the task's business.
            guard let message = try? decode(frame) else { return false }
            return handle(message)
        }
    }

    /// The next message; nil when the peer closed the connection, or this side did.
    ///
    /// Throws `refused` with the peer's reason after its goodbye, `protocolViolation` when what came breaks a
    /// rule (the connection is closed then), `timedOut` when the peer fell silent, `lost` when the connection
    /// broke.
    package func next() async throws(WireError) -> Inbound? {
        guard let frame = try await link.next() else { return nil }
        return try decodeOrEnd(frame)
    }

    /// All messages that are there, at least one, at most `batchLimit`; nil as from `next`.
    package func nextBatch() async throws(WireError) -> [Inbound]? {
        guard let frames = try await link.next(limit: Self.batchLimit) else { return nil }
        var messages: [Inbound] = []
        messages.reserveCapacity(frames.count)
        for frame in frames {
            do {
                messages.append(try decodeOrEnd(frame))
            } catch {
                // What came before the malformed message counts; the error is the next call's.
                if messages.isEmpty { throw error }
                break
            }
        }
        return messages
    }

    /// Closes: what was sent goes out, what came and was not received is dropped. Returns when the connection
    /// is gone, after two seconds at most. May be called again.
    package func close() async { await link.close() }

    /// Closes with a goodbye, which the peer's `next` throws as `refused`.
    package func close(_ goodbye: Refusal) async { await link.close(goodbye) }

    /// Closes with a goodbye, and drops what the peer has not taken two seconds later.
    package func cut(_ goodbye: Refusal) async { await link.close(goodbye, isCut: true) }

    private func decodeOrEnd(_ frame: Frame) throws(WireError) -> Inbound {
        do {
            return try decode(frame)
        } catch {
            link.violated(error)
            throw error
        }
    }
}

/// An agent's control connection.
package typealias AgentControl = WireConnection<HubMessage, AgentMessage>
/// A hub's end of an agent's control connection.
package typealias HubControl = WireConnection<AgentMessage, HubMessage>
/// A bulk connection, the same at both ends.
package typealias Bulk = WireConnection<BulkMessage, BulkMessage>
