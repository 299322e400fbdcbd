// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage
import RelayWire

/// The owner of a share's index and engine: takes in what the devices say, decides it in transactions, and
/// tells them the results.
///
/// What comes while a transaction runs is decided together in the next. While the index cannot be written,
/// batches wait, their devices are told why, and all else goes on. After any other error all connections are
/// closed and the files let go; the next device that connects has them opened again.
actor ShareSession {
    /// What connections put in, in the order in which it is decided.
    nonisolated let inbox = Mailbox<SessionInput>(limitBytes: 16 << 20)
    /// Told of every error that made the session let its files go.
    nonisolated let alarms = Mailbox<StateError>(limitBytes: .max)
    private nonisolated let retries = Mailbox<Void>(limitBytes: .max)
    nonisolated let share: ShareRecord
    nonisolated private let lane: Lane
    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    private let directory: String
    let limitBytes: UInt64?
    let gate: StoreGate
    let acquisitions: AcquisitionQueue
    private let roll: MemberRoll
    private let logger: Logger

    private(set) var opened: OpenShare?
    /// Whether the share's files are to be made.
    private var isNew: Bool
    /// Whether the files were let go for good.
    private var isFinished = false
    /// Why the files are not open, when opening may be tried again, and how files looked that were refused.
    private var failure: (error: StateError, retryAt: Instant, refused: DatabaseLook?)?
    var shelf = ManifestShelf()
    /// All control connections that are not gone, and those that count: the newest of each device.
    private var links: [SubscriberID: ControlLink] = [:]
    private(set) var controls: [DeviceID: ControlLink] = [:]
    private var subscribed: Set<SubscriberID> = []
    private(set) var applied: [DeviceID: Revision] = [:]
    private var unsavedApplied: Set<DeviceID> = []
    /// Devices that are no members any more, of which the index may still say what they hold.
    private var unheld: Set<DeviceID> = []
    /// Nil while the index can be written.
    private(set) var held: HeldBatches?
    /// Where chunks of those batches lie that are stored already.
    private(set) var unrecorded: [ChunkID: ChunkLocation] = [:]
    /// Segments that were given up: what was stored there and is not in the index is lost.
    var retired: Set<UInt32> = []

    /// How many damaged chunks were told of since the hub started.
    private var toldDamage = 0

    /// The most bytes of batches that are decided in one transaction.
    private static let groupBytes = 8 << 20
    private static let retryMilliseconds: Int64 = 1000

    /// `isNew`: there are no files of the share yet, and they are to be made.
    init(
        share: ShareRecord, directory: String, isNew: Bool, limitBytes: UInt64?, gate: StoreGate,
        acquisitions: AcquisitionQueue, roll: MemberRoll, logger: Logger
    ) {
        self.share = share
        self.directory = directory
        self.isNew = isNew
        self.limitBytes = limitBytes
        self.gate = gate
        self.acquisitions = acquisitions
        self.roll = roll
        self.logger = logger
        lane = Lane(label: "relay.share.\(share.name)")
    }

    // MARK: Running

    /// Opens the share's files, or makes those of a new share.
    func open() throws(StateError) {
        guard opened == nil else { return }
        do throws(StateError) {
            let open = try OpenShare(directory: directory, isNew: isNew, limitBytes: limitBytes)
            let (known, members) = (try open.transaction { try open.index.appliedRevisions() }, roll.all)
            applied = Dictionary(known.map { ($0.device, $0.revision) }) { first, _ in first }
            unheld = Set(applied.keys.filter { members[$0] == nil })
            for device in unheld { applied[device] = nil }
            if open.beginsNewHistory {
                logger.warning("share index was put back from a copy: its history goes on under a new epoch")
            }
            opened = open
            retired = []
        } catch {
            let look = error.isDamaged ? DatabaseLook(at: OpenShare.index(in: directory)) : nil
            failure = (error, .now() + Self.retryMilliseconds, look)
            throw error
        }
        isNew = false
        failure = nil
        acquisitions.requestSweep()
    }

    /// Why the share cannot be served now; nil if it can.
    func unavailability() -> StateError? { reopen() == nil ? failure?.error : nil }

    /// Decides what comes in until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let inputs = await inbox.take(limitBytes: Self.groupBytes).map(\.element)
            guard !inputs.isEmpty else { break }
            guard let open = reopen() else {
                for case .joined(let link) in inputs { link.end(.failure(failure?.error)) }
                continue
            }
            do {
                try process(inputs, open)
            } catch {
                fail(error)
                for case .joined(let link) in inputs { link.end(.failure(error)) }
            }
        }
        close()
    }

    /// Has batches that wait tried again now and then, until the task is cancelled.
    nonisolated func runRetries() async {
        while !(await retries.take(limitBytes: .max)).isEmpty {
            // Nobody tells when a disk has room again.
            try? await Task.sleep(for: .milliseconds(Self.retryMilliseconds))
            inbox.put(.retry)
        }
    }

    private func reopen() -> OpenShare? {
        if opened == nil, !isFinished, mayReopen {
            let before = failure?.error
            do {
                try open()
                logger.info("share opened again")
            } catch {
                guard error != before else { return nil }
                logger.error("cannot open share", metadata: ["error": "\(error)"])
            }
        }
        return opened
    }

    /// Files that are not the share's are left alone until somebody has changed them, and is done: to open
    /// them might remove what was just put back.
    private var mayReopen: Bool {
        guard let failure else { return true }
        guard failure.retryAt <= .now() else { return false }
        guard let refused = failure.refused else { return true }
        let look = DatabaseLook(at: OpenShare.index(in: directory))
        return look != refused && look.isSettled(nowSeconds: wallClockSeconds())
    }

    /// Lets the files go after an error, and closes all connections.
    func fail(_ error: StateError) {
        guard let open = opened else { return }
        logger.error("share failed, closing its connections", metadata: ["error": "\(error)"])
        opened = nil
        open.index.close()
        failure = (error, .now() + Self.retryMilliseconds, nil)
        for link in links.values { link.end(.failure(error)) }
        links = [:]
        controls = [:]
        subscribed = []
        unsavedApplied = []
        held = nil
        unrecorded = [:]
        shelf = ManifestShelf()
        alarms.put(error)
    }

    /// Lets the files go; devices must not be connected any more.
    func close() {
        isFinished = true
        guard let open = opened else { return }
        do {
            try open.transaction { try saveApplied(open) }
        } catch {
            logger.warning("cannot save what the devices hold", metadata: ["error": "\(error)"])
        }
        opened = nil
        open.index.close()
    }

    // MARK: Deciding

    /// What is decided in one transaction.
    private struct Group {
        var inputs: [HubInput] = []
        var batches: [(id: SubscriberID, batch: CheckedBatch)] = []
        var mustSaveApplied = false
        /// Those who subscribe.
        var subscribers: [SubscriberID] = []
        var isRetry = false

        /// Whether the index is written.
        var writes: Bool { !batches.isEmpty || mustSaveApplied }

        /// The same without what writes.
        var reading: Group {
            var result = self
            result.inputs.removeAll { if case .commit = $0 { true } else { false } }
            result.batches = []
            result.mustSaveApplied = false
            return result
        }
    }

    private func process(_ inputs: [SessionInput], _ open: OpenShare) throws(StateError) {
        var group = Group()
        for input in inputs { collect(input, open, &group) }
        if held == nil {
            guard let error = try decide(group, open) else { return }
            beginHolding(error, butFor: Set(group.subscribers))
        }
        for (id, batch) in group.batches { hold(batch, from: id) }
        if let error = try decide(group.reading, open) { throw error }
        for id in group.subscribers { tell(id) }
        if group.isRetry { try decideHeld(open) }
    }

    /// Decides a group in one transaction. Returns why the index cannot be written, when nothing was decided
    /// and the share is as it was before.
    private func decide(_ group: Group, _ open: OpenShare) throws(StateError) -> StateError? {
        guard !group.inputs.isEmpty || group.mustSaveApplied else { return nil }
        let batches = group.batches.map(\.batch)
        let stored = try store(batches, open)
        let mustSave = group.writes && held == nil
        let effects: [HubEffect]
        do throws(StateError) {
            effects = try open.transaction {
                for batch in batches {
                    for (content, manifest) in batch.manifests {
                        try open.index.putManifest(manifest, for: content)
                    }
                }
                try open.index.putLocations(stored)
                if mustSave { try saveApplied(open) }
                let effects = try open.engine.receive(group.inputs)
                if !batches.isEmpty { Failpoint.commitOpen.reach() }
                return effects
            }
        } catch {
            guard group.writes, !error.isDamaged else { throw error }
            open.engine.rollBack()
            for (chunk, location) in stored { unrecorded[chunk] = location }
            return error
        }
        if !batches.isEmpty { Failpoint.commitUnwitnessed.reach() }
        if group.writes { try open.noteHead() }
        if !batches.isEmpty { Failpoint.committed.reach() }
        if mustSave {
            if !unsavedApplied.isEmpty { Failpoint.appliedSaved.reach() }
            unsavedApplied = []
            unheld = []
        }
        for effect in effects { perform(effect) }
        return nil
    }

    private func collect(_ input: SessionInput, _ open: OpenShare, _ group: inout Group) {
        switch input {
        case .joined(let link): join(link, &group)
        case .left(let id, let device): leave(id, device, &group)
        case .subscribe(let id, let subscription):
            guard let link = links[id] else { return }
            subscribed.insert(id)
            group.subscribers.append(id)
            group.inputs.append(.subscribed(id, link.device, subscription))
        case .commit(let id, let batch):
            guard let link = links[id] else { return }
            guard subscribed.contains(id) else {
                link.end(.malformed("commit before subscribe"))
                return
            }
            group.batches.append((id, batch))
            group.inputs.append(.commit(id, batch.batch))
        case .applied(let id, let revision):
            guard let link = links[id], revision <= open.index.head.revision else { return }
            applied[link.device] = revision
            unsavedApplied.insert(link.device)
        case .ping(let id, let number):
            if links[id] != nil { group.inputs.append(.pinged(id, number)) }
        case .drained(let id):
            if links[id] != nil { group.inputs.append(.drained(id)) }
        case .dismissed(let device, let refusal): dismiss(device, refusal, &group)
        case .retry: group.isRetry = true
        }
    }

    private func join(_ link: ControlLink, _ group: inout Group) {
        // It may have been dismissed after it was admitted.
        if let refusal = roll.dismissal(of: link.device) { return link.cut(refusal) }
        if let older = controls[link.device] {
            links[older.id] = nil
            subscribed.remove(older.id)
            held?.drop(older.id)
            group.inputs.append(.unsubscribed(older.id))
            older.end(.superseded)
        } else {
            logger.info("device connected", metadata: ["device": "\(link.device.short)"])
        }
        links[link.id] = link
        controls[link.device] = link
    }

    private func leave(_ id: SubscriberID, _ device: DeviceID, _ group: inout Group) {
        guard links.removeValue(forKey: id) != nil else { return }
        subscribed.remove(id)
        held?.drop(id)
        group.inputs.append(.unsubscribed(id))
        guard controls[device]?.id == id else { return }
        controls[device] = nil
        if unsavedApplied.contains(device) { group.mustSaveApplied = true }
        logger.info("device disconnected", metadata: ["device": "\(device.short)"])
    }

    private func dismiss(_ device: DeviceID, _ refusal: Refusal, _ group: inout Group) {
        for link in links.values.filter({ $0.device == device }) {
            leave(link.id, device, &group)
            link.cut(refusal)
        }
        unsavedApplied.remove(device)
        guard roll.all[device] == nil else { return }
        applied[device] = nil
        unheld.insert(device)
        group.mustSaveApplied = true
    }

    /// Tells of a chunk that was found damaged, and has it looked for.
    func noteDamage(_ damaged: DamagedChunk, _ cause: StateError) {
        acquisitions.requestSweep()
        // One segment that is gone is thousands of chunks.
        toldDamage += 1
        let path = damaged.content.flatMap { content in
            read { open throws(StateError) in try open.index.path(of: content) } ?? nil
        }
        logger.log(
            level: toldDamage <= Self.limitToldDamage ? .error : .debug,
            "stored chunk is damaged, it is brought anew from a device that has it",
            metadata: [
                "chunk": "\(damaged.chunk)", "path": "\(path?.description ?? "unknown")",
                "segment": "\(damaged.location.segment)", "offset": "\(damaged.location.offset)",
                "error": "\(cause)",
            ])
    }

    // MARK: Holding

    /// Those who subscribe just now are told after their welcome.
    private func beginHolding(_ error: StateError, butFor newcomers: Set<SubscriberID>) {
        held = HeldBatches(cause: error)
        logger.error("changes wait, trying on", metadata: ["error": "\(error)"])
        for id in subscribed.subtracting(newcomers) { tell(id) }
        retries.put(())
    }

    private func hold(_ batch: CheckedBatch, from id: SubscriberID) {
        guard links[id] != nil, held?.add(batch, from: id) == false else { return }
        links[id]?.end(.failure(held?.cause))
    }

    private func tell(_ id: SubscriberID) {
        links[id]?.send(.trouble(held?.reason))
    }

    private func decideHeld(_ open: OpenShare) throws(StateError) {
        guard held != nil else { return }
        do throws(StateError) {
            try open.transaction { try open.index.probe() }
        } catch {
            guard !error.isDamaged else { throw error }
            retries.put(())
            return
        }
        while let entries = held?.first(limitBytes: Self.groupBytes), !entries.isEmpty {
            var group = Group()
            group.batches = entries
            group.inputs = entries.map { .commit($0.id, $0.batch.batch) }
            guard try decide(group, open) == nil else {
                retries.put(())
                return
            }
            held?.removeFirst(entries.count)
        }
        held = nil
        unrecorded = [:]
        logger.info("changes are decided again")
        for id in subscribed { tell(id) }
    }

    private func saveApplied(_ open: OpenShare) throws(StateError) {
        for device in unsavedApplied.sorted() {
            if let revision = applied[device] { try open.index.setAppliedRevision(device, revision) }
        }
        for device in unheld.sorted() { try open.index.removeAppliedRevision(device) }
    }

    private func perform(_ effect: HubEffect) {
        switch effect {
        case .send(let id, let message):
            if case .committed(let batch, let answers, let decidedAt) = message {
                logger.debug(
                    "batch decided",
                    metadata: [
                        "batch": "\(batch)", "operations": "\(answers.count)",
                        "revision": "\(decidedAt.revision)",
                        "device": "\(links[id]?.device.short ?? "")",
                    ])
            }
            links[id]?.send(message)
            if case .changes = message { Failpoint.pageSent.reach() }
        case .acquire(let content, let sizeBytes, _):
            if limitBytes != 0 {
                acquisitions.add(Acquisition(content: content, sizeBytes: sizeBytes, isNew: true))
            }
        }
    }
}
