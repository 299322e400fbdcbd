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

    /// Queues a message for the device; never waits. The engine bounds the pages, and reading stops while the
    /// answers are not taken.
    func send(_ message: HubMessage) { outgoing.put(message, bytes: message.queuedBytes) }

    /// Says goodbye and closes the connection, once what is queued was written.
    func end(_ refusal: Refusal) {
        farewell.say(refusal)
        outgoing.finish()
    }

    /// Says goodbye and closes the connection at once: what is queued is dropped.
    func cut(_ refusal: Refusal) {
        farewell.cut(refusal)
        outgoing.finish()
    }

    /// Serves the connection until it is closed.
    func run() async {
        session.inbox.put(.joined(self))
        await withDiscardingTaskGroup { group in
            group.addTask { await self.write() }
            group.addTask { await self.farewell.carryOutCut(of: self.connection) }
            await read()
            outgoing.finish()
            farewell.isOver()
        }
        session.inbox.put(.left(id, device))
    }

    private func write() async {
        var pages = 0
        while true {
            let entries = await outgoing.take(limitBytes: Self.writeBytes)
            guard !entries.isEmpty else { break }
            do {
                try await connection.send(entries.map(\.element))
            } catch {
                break
            }
            for case .changes in entries.map(\.element) { pages += 1 }
            if outgoing.isEmpty, pages >= HubEngine<SQLiteShareIndex>.limitPagesUnderWay / 2 {
                pages = 0
                session.inbox.put(.drained(id))
            }
        }
        outgoing.finish()
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

    private func receive(_ message: AgentMessage) async throws {
        switch message {
        case .subscribe(let subscription): session.inbox.put(.subscribe(id, subscription))
        case .commit(let batch):
            let checked = try CheckedBatch(batch)
            session.inbox.put(.commit(id, checked), bytes: checked.queuedBytes)
        case .applied(let revision): session.inbox.put(.applied(id, revision))
        case .ping(let number): session.inbox.put(.ping(id, number))
        case .pong: break
        case .audit(let number, let after, let limit):
            guard let page = await session.audit(after: after, limit: limit) else { return end(.failure) }
            send(.audited(number, page))
        case .leave(let isForced): end(await leave(isForced))
        }
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
        case .changes(let page):
            page.records.reduce(64) { $0 + $1.estimatedBytes }
                + page.offers.reduce(0) { $0 + $1.estimatedBytes }
        case .audited(_, let page): page.records.reduce(64) { $0 + $1.estimatedBytes }
        case .committed(_, let answers, _): 64 + answers.count * 32
        case .welcome, .ping, .pong, .trouble, .goodbye: 64
        }
    }
}
