// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayWire
import Synchronization

/// A device's bulk connection for one share. It carries two conversations: the device asks the hub for
/// contents (`ContentService` answers), and the hub asks the device (`ContentExchange` does).
final class BulkLink: Sendable {
    let id: LinkID
    let device: DeviceID
    /// The bytes of contents that may be under way to the device.
    let credit: ByteCredit
    private let connection: Bulk
    private let outgoing = Mailbox<BulkMessage>(limitBytes: 1 << 20)
    private let farewell = Farewell()
    /// The device's requests that are being answered, to be cancelled.
    private let requests = Mutex<[UInt32: OneShot<Void>]>([:])
    /// The contents that were relayed to the device last.
    private let relayed = Mutex<[ContentID]>([])
    private let logger: Logger

    /// The most bytes that are handed to the connection at a time.
    private static let writeBytes = 1 << 20
    /// The most requests of a device that are answered at a time.
    private static let limitRequests = 1024

    init(id: LinkID, device: DeviceID, connection: Bulk, gauge: BufferGauge, logger: Logger) {
        self.id = id
        self.device = device
        self.connection = connection
        self.logger = logger
        credit = ByteCredit(limitBytes: 8 << 20, tightLimitBytes: 512 << 10, gauge: gauge)
    }

    /// Queues a message for the device; never waits. `bytes` were taken from the credit, and are given back
    /// when the message was written.
    func send(_ message: BulkMessage, bytes: Int = 0) { outgoing.put(message, bytes: bytes) }

    /// How many bytes of chunks came from the device so far, of whole chunks or of one that is on its way.
    var receivedChunkBytes: UInt64 { connection.receivedChunkBytes }

    /// Whether nothing of the content was relayed to the device lately.
    func isFirstRelay(of content: ContentID) -> Bool {
        relayed.withLock { relayed in
            if relayed.contains(content) { return false }
            if relayed.count >= Self.rememberedRelays { relayed.removeFirst() }
            relayed.append(content)
            return true
        }
    }

    private static let rememberedRelays = 16

    /// Says goodbye and closes the connection.
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
    func run(_ service: ContentService, _ exchange: ContentExchange) async {
        exchange.attach(self)
        // It may have been dismissed after it was admitted and before it was attached.
        if let refusal = service.roll.dismissal(of: device) { cut(refusal) }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.write() }
            group.addTask { await self.farewell.carryOutCut(of: self.connection) }
            await read(service, exchange, &group)
            outgoing.finish()
            farewell.isOver()
            group.cancelAll()
        }
        exchange.detach(self)
    }

    private func write() async {
        while true {
            let entries = await outgoing.take(limitBytes: Self.writeBytes)
            guard !entries.isEmpty, farewell.refusal == nil else { break }
            do {
                try await connection.send(entries.map(\.element))
            } catch {
                logger.debug(
                    "bulk connection not writable",
                    metadata: ["device": "\(device.short)", "reason": "\(error)"])
                break
            }
            credit.giveBack(entries.reduce(0) { $0 + $1.bytes })
        }
        outgoing.finish()
        // When the hub shuts down, the listener says goodbye and closes.
        if await farewell.close(connection) { return }
        if !Task.isCancelled { await connection.close() }
    }

    private func read(
        _ service: ContentService, _ exchange: ContentExchange, _ group: inout DiscardingTaskGroup
    ) async {
        do {
            while let message = try await connection.next() {
                await receive(message, service, exchange, &group)
            }
        } catch {
            logger.debug(
                "bulk connection ended", metadata: ["device": "\(device.short)", "reason": "\(error)"])
        }
    }

    private func receive(
        _ message: BulkMessage, _ service: ContentService, _ exchange: ContentExchange,
        _ group: inout DiscardingTaskGroup
    ) async {
        switch message {
        case .wantManifest(let request, let content, let known):
            answer(request, &group) {
                await service.sendManifest(content, knowing: known, as: request, to: self)
            }
        case .wantChunks(let request, let content, let wants):
            answer(request, &group) { await service.sendChunks(wants, of: content, as: request, to: self) }
        case .cancel(let request):
            requests.withLock { $0[request] }?.give(())
        case .manifest(let request, let first, let total, let chunks):
            await exchange.receive(.chunks(chunks), first: first, total: total, request: request, from: self)
        case .manifestCopy(let request, let first, let total, let start, let count):
            await exchange.receive(
                .copy(start: start, count: count), first: first, total: total, request: request, from: self)
        case .chunk(let request, let index, let chunk):
            exchange.receive(chunk, request: request, index: index, from: self)
        case .chunkDelta(let request, let index, let delta):
            exchange.receive(delta: delta, request: request, index: index, from: self)
        case .unavailable(let request, let index, let reason):
            exchange.refuse(reason, request: request, index: index, from: self)
        case .waiting: break
        }
    }

    /// Answers a request in a task of its own, until it is done or cancelled.
    private func answer(
        _ request: UInt32, _ group: inout DiscardingTaskGroup, _ body: @escaping @Sendable () async -> Void
    ) {
        let cancelled = OneShot<Void>()
        enum Admission { case admitted, tooMany, duplicate }
        let admission: Admission = requests.withLock { requests in
            guard requests[request] == nil else { return .duplicate }
            guard requests.count < Self.limitRequests else { return .tooMany }
            requests[request] = cancelled
            return .admitted
        }
        switch admission {
        case .duplicate: end(.malformed("request \(request) is under way already"))
        case .tooMany: send(.unavailable(request: request, index: nil, .busy))
        case .admitted:
            group.addTask {
                await withDiscardingTaskGroup { race in
                    race.addTask {
                        await body()
                        cancelled.give(())
                    }
                    await withTaskCancellationHandler {
                        await cancelled.value()
                    } onCancel: {
                        cancelled.give(())
                    }
                    race.cancelAll()
                }
                self.requests.withLock { _ = $0.removeValue(forKey: request) }
            }
        }
    }
}
