// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage
import RelayWire
import Synchronization

/// A device's control connection for one share.
final class ControlLink: Sendable {
    let id: SubscriberID
    let device: DeviceID
    private let connection: HubControl
    private let session: ShareSession
    private let outgoing = Mailbox<HubMessage>(limitBytes: 4 << 20)
    private let order = SendingOrder()
    /// Bytes of pages that were sent and of which the session does not know yet.
    private let pageBytes = Mutex(0)
    /// What the device offered ahead of its batches.
    private let kept = Mutex(KeptOffers())
    private let farewell = Farewell()
    /// Has the device leave the share, forced or not; returns what it is told.
    private let leave: @Sendable (Bool) async -> Refusal
    private let logger: Logger

    /// The most bytes that are handed to the connection at a time.
    private static let writeBytes = 1 << 20

    init(
        id: SubscriberID, device: DeviceID, connection: HubControl, session: ShareSession, logger: Logger,
        leave: @escaping @Sendable (Bool) async -> Refusal
    ) {
        self.id = id
        self.device = device
        self.connection = connection
        self.session = session
        self.logger = logger
        self.leave = leave
    }

    /// Sends a message to the device, or queues it; never waits. The engine bounds the pages, and reading
    /// stops while the answers are not taken.
    func send(_ message: HubMessage) {
        let bytes = message.queuedBytes
        var isQueued = false
        let isTaken = order.send(message, bytes: bytes, on: connection) {
            isQueued = true
            return outgoing.put(message, bytes: bytes)
        }
        if isTaken, !isQueued { sent([message]) }
    }

    /// Tells the session now and then that pages have gone out.
    private func sent(_ messages: [HubMessage]) {
        let isDue = pageBytes.withLock { bytes in
            for case .changes(let page) in messages { bytes += page.estimatedBytes }
            guard bytes >= HubEngine<SQLiteShareIndex>.limitBytesUnderWay / 2, outgoing.isEmpty else {
                return false
            }
            bytes = 0
            return true
        }
        if isDue { session.inbox.put(.drained(id)) }
    }

    /// Says goodbye and closes the connection, once what is queued was written.
    func end(_ refusal: Refusal) {
        farewell.say(refusal)
        order.close { outgoing.finish() }
    }

    /// Says goodbye and closes the connection at once: what is queued is dropped.
    func cut(_ refusal: Refusal) {
        farewell.cut(refusal)
        order.close { outgoing.finish() }
    }

    /// Serves the connection until it is closed.
    func run() async {
        session.inbox.put(.joined(self))
        connection.receiveDirectly { [weak self] in self?.receiveNow($0) ?? false }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.write() }
            group.addTask { await self.farewell.carryOutCut(of: self.connection) }
            await read()
            order.close { outgoing.finish() }
            farewell.isOver()
        }
        session.inbox.put(.left(id, device))
    }

    private func write() async {
        while true {
            let messages = await outgoing.take(limitBytes: Self.writeBytes).map(\.element)
            guard !messages.isEmpty else { break }
            do {
                try await connection.send(messages)
            } catch {
                break
            }
            order.sent { outgoing.isEmpty }
            sent(messages)
        }
        order.close { outgoing.finish() }
        // When the hub shuts down, the listener says goodbye and closes.
        if await farewell.close(connection) { return }
        if !Task.isCancelled { await connection.close() }
    }

    private func read() async {
        do {
            while let message = try await connection.next() {
                try await receive(message)
                await outgoing.waitForRoom()
                await session.inbox.waitForRoom()
            }
        } catch let violation as CheckedBatch.Violation {
            logger.warning(
                "malformed batch refused",
                metadata: ["device": "\(device.short)", "reason": "\(violation.text)"])
            end(.malformed(violation.text))
        } catch {
            logger.debug(
                "control connection ended", metadata: ["device": "\(device.short)", "reason": "\(error)"])
        }
    }

    /// Passes a message on, on the thread that it came in on; false if that is not possible.
    private func receiveNow(_ message: AgentMessage) -> Bool {
        guard outgoing.hasRoom, session.inbox.hasRoom else { return false }
        // Of several contents, each may be much larger than what it is packed into.
        if case .commit(let batch) = message, batch.offers.count > 1 { return false }
        if case .offer = message { return false }
        return (try? passOn(message)) ?? false
    }

    private func receive(_ message: AgentMessage) async throws {
        if try passOn(message) { return }
        switch message {
        case .audit(let number, let after, let limit):
            guard let page = await session.audit(after: after, limit: limit) else { return end(.failure) }
            send(.audited(number, page))
        case .leave(let isForced): end(await leave(isForced))
        case .subscribe, .commit, .applied, .ping, .pong, .offer: break
        }
    }

    /// Gives the session what is for it; false for what is not.
    private func passOn(_ message: AgentMessage) throws(CheckedBatch.Violation) -> Bool {
        switch message {
        case .subscribe(let subscription): session.inbox.put(.subscribe(id, subscription))
        case .commit(let batch):
            let checked = try CheckedBatch(batch, kept: kept.withLock { $0.take(for: batch) })
            session.inbox.put(.commit(id, checked), bytes: checked.queuedBytes)
        case .offer(let offers):
            let checked = try offers.map { offer throws(CheckedBatch.Violation) in
                try CheckedBatch.check(offer)
                return offer
            }
            kept.withLock { $0.keep(checked) }
        case .applied(let revision): session.inbox.put(.applied(id, revision))
        case .ping(let number): session.inbox.put(.ping(id, number))
        case .pong: break
        case .audit, .leave: return false
        }
        return true
    }
}

extension CheckedBatch {
    /// About how much memory the batch takes.
    var queuedBytes: Int {
        batch.operations.reduce(0) { $0 + $1.estimatedBytes }
            + batch.offers.reduce(0) { $0 + $1.estimatedBytes }
    }
}

extension HubMessage {
    /// About how much memory the message takes.
    fileprivate var queuedBytes: Int {
        switch self {
        case .changes(let page): page.estimatedBytes
        case .audited(_, let page): page.records.reduce(64) { $0 + $1.estimatedBytes }
        case .committed(_, let answers, _): 64 + answers.count * 32
        case .welcome, .ping, .pong, .trouble, .goodbye: 64
        }
    }
}
