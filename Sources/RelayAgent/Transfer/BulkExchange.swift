// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization

/// What comes back for requests of ours on the bulk connection.
enum BulkAnswer: Sendable {
    case manifest(request: UInt32, first: UInt32, total: UInt32, chunks: [ChunkReference])
    /// So many chunks from the list that the request named.
    case manifestCopy(request: UInt32, first: UInt32, total: UInt32, start: UInt32, count: UInt32)
    /// `isDelta`: as its difference to the base that was told of.
    case chunk(request: UInt32, index: UInt32, EncodedChunk, isDelta: Bool)
    case unavailable(request: UInt32, index: UInt32?, UnavailableReason)
    case waiting(request: UInt32, devices: [String])
    /// The connection was cut: these requests have no more answers.
    case lost(requests: [UInt32])
}

/// The answers to one asker's requests.
typealias BulkInbox = AsyncQueue<BulkAnswer>

/// The asking side of the bulk connection: numbers requests and leads their answers to who asked.
///
/// It outlives connections: requests die with theirs, and who asked hears of it.
final class BulkExchange: Sendable {
    private struct State {
        var outbox: AsyncQueue<BulkMessage>?
        var inboxes: [UInt32: BulkInbox] = [:]
        var lastRequest: UInt32 = 0
        var connected = OneShot<Bool>()
        /// How many messages came, of all connections.
        var heardMessages: UInt64 = 0
        /// How many bytes of chunks came over the present connection, of whole chunks or of one on its way.
        var heardBytes: (@Sendable () -> UInt64)?
    }
    private let state = Mutex(State())
    /// Bytes of chunks that arrived and were not worked off yet; the connection is not read on above that.
    let arrivals = Permits(TransferLimits.arrivedBytes)

    /// Begins with a connection; what the queue holds is to be sent on it. `heardBytes`: how many bytes of
    /// chunks came over it so far.
    func attach(heardBytes: (@Sendable () -> UInt64)? = nil) -> AsyncQueue<BulkMessage> {
        let outbox = AsyncQueue<BulkMessage>()
        let connected = state.withLock { state in
            state.outbox = outbox
            state.heardBytes = heardBytes
            return state.connected
        }
        connected.set(true)
        return outbox
    }

    /// The connection is gone, and with it all open requests.
    func detach() {
        let (outbox, inboxes) = state.withLock { state in
            guard let outbox = state.outbox.take() else {
                return (nil as AsyncQueue<BulkMessage>?, [:] as [UInt32: BulkInbox])
            }
            defer {
                state.inboxes = [:]
                state.heardBytes = nil
                state.connected = OneShot()
            }
            return (outbox, state.inboxes)
        }
        outbox?.finish()
        var lost: [ObjectIdentifier: (inbox: BulkInbox, requests: [UInt32])] = [:]
        for (request, inbox) in inboxes {
            lost[ObjectIdentifier(inbox), default: (inbox, [])].requests.append(request)
        }
        for (inbox, requests) in lost.values { inbox.append(.lost(requests: requests)) }
    }

    /// Waits for a connection; false if the task is cancelled before.
    func waitUntilConnected() async -> Bool {
        await state.withLock { $0.connected }.wait() ?? false
    }

    /// Changes with all that comes from the hub, whomever it is for.
    var heard: [UInt64] {
        state.withLock { [$0.heardMessages, $0.heardBytes?() ?? 0] }
    }

    /// Sends a request; nil without a connection.
    func ask(inbox: BulkInbox, _ make: (UInt32) -> BulkMessage) -> UInt32? {
        state.withLock { state in
            guard let outbox = state.outbox else { return nil }
            state.lastRequest &+= 1
            let request = state.lastRequest
            guard outbox.append(make(request)) else { return nil }
            state.inboxes[request] = inbox
            return request
        }
    }

    /// Everything that was asked for was answered.
    func close(_ request: UInt32) {
        state.withLock { _ = $0.inboxes.removeValue(forKey: request) }
    }

    /// The answers are not wanted any more.
    func cancel(_ request: UInt32) {
        state.withLock { state in
            guard state.inboxes.removeValue(forKey: request) != nil else { return }
            state.outbox?.append(.cancel(request: request))
        }
    }

    /// Leads an answer to who asked; waits while too much that arrived is not worked off.
    func receive(_ answer: BulkAnswer) async {
        state.withLock { $0.heardMessages += 1 }
        switch answer {
        case .manifest(let request, _, _, _), .manifestCopy(let request, _, _, _, _),
            .unavailable(let request, _, _), .waiting(let request, _):
            inbox(of: request)?.append(answer)
        case .chunk(let request, _, let chunk, _):
            guard let inbox = inbox(of: request), await arrivals.take(chunk.bytes.count) else { return }
            if !inbox.append(answer) { arrivals.giveBack(chunk.bytes.count) }
        case .lost: break
        }
    }

    /// Ends an inbox: what arrived and was not worked off is dropped.
    func discard(_ inbox: BulkInbox) {
        inbox.finish()
        for case .chunk(_, _, let chunk, _) in inbox.takeWaiting() { arrivals.giveBack(chunk.bytes.count) }
    }

    private func inbox(of request: UInt32) -> BulkInbox? { state.withLock { $0.inboxes[request] } }
}
