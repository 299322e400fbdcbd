// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage
import RelayWire
import Synchronization

/// One share of a running hub: its session, and the exchange of its contents.
final class Share: Sendable {
    let record: ShareRecord
    let session: ShareSession
    let membership: Membership
    var roll: MemberRoll { membership.roll }
    private let limitBytes: UInt64?
    let exchange: ContentExchange
    private let service: ContentService
    private let keeper: ChunkKeeper
    private let acquirer: Acquirer
    private let gate: StoreGate
    private let verifier: StoreVerifier
    private let collector: Collector
    private let gauge: BufferGauge
    let logger: Logger
    private let lastNumber = Mutex<UInt64>(0)

    /// The most bytes of chunks that are under way to the store.
    private static let acquiringBytes = 16 << 20

    /// `isNew`: the share's files are to be made.
    init(
        _ membership: Membership, directory: String, isNew: Bool, resources: HubResources, logger: Logger
    ) {
        let record = membership.share
        var logger = logger
        logger[metadataKey: "share"] = "\(displayText(Array(record.name.utf8)))"
        let queue = AcquisitionQueue()
        let limit = resources.storeLimitBytes
        self.record = record
        self.membership = membership
        self.logger = logger
        limitBytes = limit
        gauge = resources.gauge
        gate = StoreGate(logger: logger)
        session = ShareSession(
            share: record, directory: directory, isNew: isNew, limitBytes: limit, gate: gate,
            acquisitions: queue, roll: membership.roll, logger: logger)
        exchange = ContentExchange(session: session, limits: resources.exchangeLimits, logger: logger)
        verifier = StoreVerifier(
            session: session, exchange: exchange, gate: gate,
            lane: Lane(label: "relay.verify.\(record.name)"),
            interval: resources.verificationInterval, logger: logger)
        let bases = KnownChunkFinder(session: session, readers: resources.readers)
        service = ContentService(
            session: session, exchange: exchange, roll: membership.roll, readers: resources.readers,
            bases: bases, logger: logger)
        keeper = ChunkKeeper(
            session: session, exchange: exchange, queue: queue,
            lane: Lane(label: "relay.store.\(record.name)"), limit: StoreLimit(bytes: limit), gate: gate,
            verifier: verifier)
        acquirer = Acquirer(
            session: session, exchange: exchange, queue: queue,
            credit: ByteCredit(
                limitBytes: Self.acquiringBytes, tightLimitBytes: 2 << 20, gauge: resources.gauge),
            limit: StoreLimit(bytes: limit), gate: gate, verifier: verifier, bases: bases, logger: logger)
        collector = Collector(
            session: session,
            compactor: SegmentCompactor(
                session: session, exchange: exchange, queue: queue, gate: gate,
                lane: Lane(label: "relay.collect.\(record.name)"), limit: StoreLimit(bytes: limit),
                logger: logger),
            retention: resources.historyRetention, logger: logger)
    }

    /// Opens the share's files, so that what is wrong with them shows before anybody connects.
    func open() async throws(StateError) {
        try await session.open()
        if let segments = await session.segments {
            exchange.setRoom(StoreLimit(bytes: limitBytes).room(in: segments))
        }
    }

    /// Serves until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.session.run() }
            group.addTask { await self.session.runRetries() }
            group.addTask { await self.session.runRests() }
            group.addTask { await self.exchange.run() }
            group.addTask { await self.keeper.run() }
            group.addTask { await self.acquirer.run() }
            group.addTask { await self.verifier.run() }
            group.addTask { await self.collector.run() }
            group.addTask {
                while let alarm = await self.session.alarms.take(limitBytes: 0).first {
                    self.exchange.endAll(.failure(alarm.element))
                }
            }
        }
    }

    /// Serves a device's control connection until it is closed.
    func serve(_ connection: HubControl, of device: DeviceID) async {
        let link = ControlLink(
            id: SubscriberID(nextNumber()), device: device, connection: connection, session: session,
            logger: logger, leave: { await self.leave(device, isForced: $0) })
        await link.run()
    }

    /// Serves a device's bulk connection until it is closed.
    func serve(_ connection: Bulk, of device: DeviceID) async {
        let link = BulkLink(
            id: LinkID(number: nextNumber()), device: device, connection: connection, gauge: gauge,
            logger: logger)
        await link.run(service, exchange)
    }

    private func nextNumber() -> UInt64 {
        lastNumber.withLock { number in
            number += 1
            return number
        }
    }

    func report() async -> HubShareReport {
        let unavailability = await session.unavailability()
        let standing = await session.standing()
        let devices = roll.all.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map { device, name in
            HubDeviceReport(
                name: displayText(Array(name.utf8)), deviceID: device.description,
                isOnline: standing?.online.contains(device) ?? false,
                appliedRevision: standing?.applied[device]?.number ?? 0)
        }
        return HubShareReport(
            name: record.name, revision: standing?.head.revision.number ?? 0,
            epoch: standing?.head.epoch.description ?? "", storedBytes: standing?.storedBytes ?? 0,
            storeLimitBytes: limitBytes,
            trouble: (unavailability ?? standing?.trouble).map { displayText(Array($0.description.utf8)) },
            verifiedAt: standing?.verifiedAt, damage: standing.flatMap { damageReport($0.damage) },
            devices: devices, revoked: await membership.revokedReports())
    }

    /// Nil when nothing is damaged.
    private func damageReport(_ standing: DamageStanding) -> HubDamageReport? {
        guard standing.missing + standing.healed > 0 else { return nil }
        let names = membership.roll.all
        return HubDamageReport(
            missing: standing.missing, healed: standing.healed,
            chunks: standing.chunks.map { place in
                HubDamagedChunkReport(
                    chunk: place.damaged.chunk.description, segment: displayText(Array(place.file.utf8)),
                    offset: place.damaged.location.offset,
                    content: place.damaged.content?.description, path: place.path?.description,
                    devices: place.authors.compactMap { names[$0].map { displayText(Array($0.utf8)) } })
            })
    }

    /// Verifies all stored chunks. Throws when that is not possible now.
    func verify() async throws(ControlError) -> HubVerificationReport {
        guard let tally = await verifier.verify() else {
            let reason = await session.unavailability()?.description ?? gate.reason?.description
            throw .failed(
                "cannot verify what is stored of the share \(displayText(Array(record.name.utf8))):"
                    + " \(reason ?? "it was interrupted")")
        }
        let damage = await session.damageStanding()
        return HubVerificationReport(
            share: record.name, chunks: tally.chunks, bytes: tally.bytes, damaged: tally.damaged,
            released: tally.released, unreadable: tally.unreadable,
            reason: tally.reason.map { displayText(Array($0.description.utf8)) },
            damage: damageReport(damage))
    }
}

/// What the shares of a hub have in common.
struct HubResources: Sendable {
    /// How long after a verification of the stored chunks the next one begins; nil: none does by itself.
    var verificationInterval: Duration?
    /// How long the contents of replaced and removed versions are retained; nil: for ever.
    var historyRetention: Duration?
    var storeLimitBytes: UInt64?
    var exchangeLimits: ExchangeLimits
    var gauge: BufferGauge
    var readers: LanePool
}
