// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOSSL
import RelayCore
import Synchronization

/// The end of a connection's pipeline, on its event loop: frames in both directions, back-pressure, signs of
/// life, deadlines and the farewell.
///
/// Its states: before admission (exactly one frame is let through, then decoding stops) until `open`; open
/// until `end`; ended. All methods run on the event loop.
final class ConnectionChannelHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State: Equatable {
        /// The first frame has not come. Exits: `greeted`, `ended`.
        case awaitingGreeting
        /// The first frame is being decided on; nothing is decoded or read. Exits: `open`, `ended`.
        case greeted
        /// Exit: `ended`.
        case open
        case ended
    }

    private let inbox: Inbox
    private let outbox: Outbox
    private let identification: Identification
    private let settings: ConnectionSettings
    /// The peer's address, for people.
    private let peerName: String

    private var state = State.awaitingGreeting
    private var decoder: FrameDecoder
    /// Bytes that came and were not decoded yet because the first frame is being decided on.
    private var undecoded: ByteBuffer?
    /// Whether the inbox is full.
    private var isPaused = false
    /// A read that was held back while nothing was to be read.
    private var hasHeldRead = false
    private var heartbeat: Heartbeat
    /// How the connection ended while its first frame is being decided on: takes effect with `open`, after
    /// what came before it.
    private var deferredEnd: WireError??
    private var deadline: Scheduled<Void>?
    private var beat: Scheduled<Void>?
    private var farewell: Scheduled<Void>?
    /// Whether what the peer has not taken when the farewell is over is dropped.
    private var isCut = false
    private var context: ChannelHandlerContext?

    init(
        phase: FramePhase, inbox: Inbox, outbox: Outbox, identification: Identification,
        settings: ConnectionSettings, peerName: String
    ) {
        decoder = FrameDecoder(phase: phase)
        self.inbox = inbox
        self.outbox = outbox
        self.identification = identification
        self.settings = settings
        self.peerName = peerName
        heartbeat = Heartbeat(
            interval: TimeAmount(settings.heartbeat), stalledIntervals: settings.stalledHeartbeats,
            now: .now())
    }

    // The pipeline's events.

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { startDeadline(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        startDeadline(context)
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        broke(lost, closing: false)
        self.context = nil
    }

    func read(context: ChannelHandlerContext) {
        if isReading { context.read() } else { hasHeldRead = true }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = Self.unwrapInboundIn(data)
        heartbeat.noteHeard(context.eventLoop.now)
        if undecoded == nil { decode(&buffer) } else { undecoded?.writeBuffer(&buffer) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // TLS reports an end without a farewell as an error before this.
        broke(state != .awaitingGreeting && decoder.isBetweenFrames ? nil : lost, closing: false)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let error =
            identification.mismatch ?? connectionError(error, peerName: peerName, isOpen: state == .open)
        broke(error, closing: true)
    }

    // What the connection's tasks ask for.

    /// After admission: lets frames of this role through. `heartbeat`: the peer's wish, if it is shorter.
    func open(_ role: ConnectionRole, heartbeat wish: Duration?) {
        guard state == .greeted else { return }
        state = .open
        deadline?.cancel()
        decoder.phase = .open(role)
        if var buffer = undecoded {
            undecoded = nil
            decode(&buffer)
        }
        if let deferredEnd {
            return end(deferredEnd == nil && !decoder.isBetweenFrames ? lost : deferredEnd, closing: true)
        }
        guard state == .open, let context else { return }
        if let wish { heartbeat.interval = min(heartbeat.interval, TimeAmount(wish)) }
        heartbeat.begin(context.eventLoop.now)
        scheduleBeat(context)
        goOnReading()
    }

    /// The inbox has room again.
    func resumeReading() {
        isPaused = false
        if let context { heartbeat.noteHeard(context.eventLoop.now) }
        goOnReading()
    }

    /// Writes what is in the outbox.
    func flushOutbox() {
        guard let context else { return }
        let buffers = outbox.drain()
        guard let last = buffers.last else { return }
        let total = buffers.reduce(0) { $0 + $1.readableBytes }
        heartbeat.noteSent(context.eventLoop.now, wasIdle: outbox.pendingBytes <= total)
        for buffer in buffers.dropLast() { write(buffer, context) }
        write(last, context)
        context.flush()
    }

    /// Sends what waits and, if given, a goodbye; then closes, within a bounded time.
    func close(_ goodbye: Refusal?, isCut: Bool = false) {
        guard let context else { return }
        self.isCut = self.isCut || isCut
        if let goodbye, state == .open, let frame = Self.goodbyeFrame(goodbye) {
            _ = try? outbox.add(frame.buffers, byteCount: frame.byteCount)
        }
        outbox.finish(.closed)
        inbox.finish(nil, discarding: true)
        flushOutbox()
        end(nil, closing: true)
        context.flush()
    }

    // Inside.

    private func startDeadline(_ context: ChannelHandlerContext) {
        guard deadline == nil, state == .awaitingGreeting else { return }
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(settings.admission)) {
            self.end(.timedOut("\(self.peerName) did not finish the handshake in time"), closing: true)
        }
    }

    private var lost: WireError { .lost("connection to \(peerName) lost") }

    private var isReading: Bool {
        switch state {
        case .awaitingGreeting: true
        case .greeted: false
        case .open: !isPaused
        // To see the peer's farewell.
        case .ended: true
        }
    }

    private func goOnReading() {
        guard isReading, hasHeldRead, let context else { return }
        hasHeldRead = false
        context.read()
    }

    private func decode(_ buffer: inout ByteBuffer) {
        defer { inbox.chunkBytes.store(decoder.chunkBytes, ordering: .relaxed) }
        var frames: [Frame] = []
        do throws(WireError) {
            while state != .ended, let frame = try decoder.next(from: &buffer) {
                switch frame {
                case .ping(let value): answer(value)
                case .pong: break
                case .message(.goodbye, let payload):
                    let refusal = try Refusal(wire: decodeMessage(WireRefusal.self, payload))
                    deliver(frames)
                    return end(.refused(refusal.reason, refusal.text), closing: true)
                case .message, .chunk: frames.append(frame)
                }
                guard state == .awaitingGreeting else { continue }
                state = .greeted
                undecoded = buffer.slice()
                break
            }
            deliver(frames)
        } catch {
            deliver(frames)
            violated(error)
        }
    }

    private func deliver(_ frames: [Frame]) {
        guard !frames.isEmpty, inbox.push(frames) else { return }
        isPaused = true
    }

    /// The peer broke a rule: tells it so, if there is an understanding, and ends.
    func violated(_ error: WireError) {
        if state == .open, case .protocolViolation(let text) = error,
            let frame = Self.goodbyeFrame(Refusal(.malformed, text))
        {
            _ = try? outbox.add(frame.buffers, byteCount: frame.byteCount)
            flushOutbox()
        }
        end(error, closing: true)
    }

    private func answer(_ ping: UInt64) {
        guard outbox.pendingBytes == 0 else { return }
        var writer = FrameWriter()
        writer.append(pong: ping)
        send(writer)
    }

    private func scheduleBeat(_ context: ChannelHandlerContext) {
        beat = context.eventLoop.assumeIsolated().scheduleTask(in: heartbeat.checkInterval) {
            self.checkHeartbeat()
        }
    }

    private func checkHeartbeat() {
        guard state == .open, let context else { return }
        let now = context.eventLoop.now
        switch heartbeat.verdict(now, isReading: isReading, isSending: outbox.pendingBytes > 0) {
        case .fine: break
        case .ping:
            var writer = FrameWriter()
            writer.append(ping: now.uptimeNanoseconds)
            send(writer)
        case .silent: end(.timedOut("\(peerName) fell silent"), closing: true)
        case .stalled: end(.timedOut("\(peerName) does not take what is sent"), closing: true)
        }
        if state == .open { scheduleBeat(context) }
    }

    private func send(_ writer: FrameWriter) {
        guard (try? outbox.add(writer.buffers, byteCount: writer.byteCount)) != nil else { return }
        flushOutbox()
    }

    private func write(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        let byteCount = buffer.readableBytes
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.outbox.written(byteCount)
            self.heartbeat.noteProgress(.now())
        }
        context.write(Self.wrapOutboundOut(buffer), promise: promise)
    }

    private static func goodbyeFrame(_ goodbye: Refusal) -> FrameWriter? {
        var writer = FrameWriter()
        do {
            try writer.append(
                .goodbye, encodeMessage(goodbye.wire), limitBytes: WireLimits.admissionFrameBytes)
        } catch {
            return nil
        }
        return writer
    }

    /// The connection ended by itself.
    private func broke(_ error: WireError?, closing: Bool) {
        guard state == .greeted else { return end(error, closing: closing) }
        if deferredEnd == nil { deferredEnd = .some(error) }
        if closing { closeChannel() }
    }

    /// The first call counts: nobody sends or gets anything any more.
    private func end(_ error: WireError?, closing: Bool) {
        guard state != .ended else { return }
        state = .ended
        undecoded = nil
        deadline?.cancel()
        beat?.cancel()
        inbox.finish(error)
        outbox.finish(error ?? .closed)
        if closing { closeChannel() }
    }

    private func closeChannel() {
        guard farewell == nil, let context else { return }
        let channel = context.channel
        farewell = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(settings.closing)) {
            if self.isCut {
                // The operating system would go on to send what it has for as long as the peer takes it.
                _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            }
            // Past the TLS handler, which waits for the peer.
            let inner = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLHandler.self)
            if let inner { inner.close(promise: nil) } else { channel.close(promise: nil) }
        }
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.farewell?.cancel() }
        // Who is cut off closes by itself once it has the goodbye, or is closed when its time is over.
        if !isCut { context.close(promise: nil) }
        goOnReading()
    }
}
