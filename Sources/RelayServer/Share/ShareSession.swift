// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage
import RelayWire

/// The owner of a share's index and engine: takes in what the devices say, decides it in transactions, and
/// tells them the results.
///
/// What comes while a transaction runs is decided together in the next. After an error all connections are
/// closed and the files let go; the next device that connects has them opened again.
actor ShareSession {
    /// What connections put in, in the order in which it is decided.
    nonisolated let inbox = Mailbox<SessionInput>(limitBytes: 16 << 20)
    /// Told of every error that made the session let its files go.
    nonisolated let alarms = Mailbox<StateError>(limitBytes: .max)
    nonisolated let share: ShareRecord
    nonisolated private let lane: Lane
    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    private let directory: String
    private let limitBytes: UInt64?
    private let acquisitions: AcquisitionQueue
    private let logger: Logger

    private var opened: OpenShare?
    /// When opening may be tried again, after a failure.
    private var retryAt: Instant?
    private var shelf = ManifestShelf()
    /// All control connections that are not gone, and those that count: the newest of each device.
    private var links: [SubscriberID: ControlLink] = [:]
    private var controls: [DeviceID: ControlLink] = [:]
    private var subscribed: Set<SubscriberID> = []
    private var applied: [DeviceID: Revision] = [:]
    private var unsavedApplied: Set<DeviceID> = []

    /// The most bytes of batches that are decided in one transaction.
    private static let groupBytes = 8 << 20
    private static let retryMilliseconds: Int64 = 1000

    init(
        share: ShareRecord, directory: String, limitBytes: UInt64?, acquisitions: AcquisitionQueue,
        logger: Logger
    ) {
        self.share = share
        self.directory = directory
        self.limitBytes = limitBytes
        self.acquisitions = acquisitions
        self.logger = logger
        lane = Lane(label: "relay.share.\(share.name)")
    }

    // MARK: Running

    /// Opens the share's files; makes what is not there.
    func open() throws(StateError) {
        guard opened == nil else { return }
        let open = try OpenShare(directory: directory, limitBytes: limitBytes)
        let known = try open.transaction { try open.index.appliedRevisions() }
        applied = Dictionary(known.map { ($0.device, $0.revision) }) { first, _ in first }
        opened = open
        retryAt = nil
    }

    /// Decides what comes in until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let inputs = await inbox.take(limitBytes: Self.groupBytes).map(\.element)
            guard !inputs.isEmpty else { break }
            guard let open = reopen() else {
                for case .joined(let link) in inputs { link.end(.failure) }
                continue
            }
            do {
                try process(inputs, open)
            } catch {
                fail(error)
                for case .joined(let link) in inputs { link.end(.failure) }
            }
        }
        close()
    }

    private func reopen() -> OpenShare? {
        if opened == nil, retryAt ?? .now() <= .now() {
            do {
                try open()
                logger.info("share opened again")
            } catch {
                retryAt = .now() + Self.retryMilliseconds
                logger.error("cannot open share", metadata: ["error": "\(error)"])
            }
        }
        return opened
    }

    /// Lets the files go after an error, and closes all connections.
    func fail(_ error: StateError) {
        guard let open = opened else { return }
        logger.error("share failed, closing its connections", metadata: ["error": "\(error)"])
        opened = nil
        retryAt = .now() + Self.retryMilliseconds
        open.index.close()
        for link in links.values { link.end(.failure) }
        links = [:]
        controls = [:]
        subscribed = []
        unsavedApplied = []
        shelf = ManifestShelf()
        alarms.put(error)
    }

    /// Lets the files go; devices must not be connected any more.
    func close() {
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
        var batches: [CheckedBatch] = []
        var mustSaveApplied = false
    }

    private func process(_ inputs: [SessionInput], _ open: OpenShare) throws(StateError) {
        var group = Group()
        for input in inputs { collect(input, open, &group) }
        guard !group.inputs.isEmpty || group.mustSaveApplied else { return }
        let locations = try store(group.batches, open)
        let (engineInputs, batches) = (group.inputs, group.batches)
        let mustSave = group.mustSaveApplied || !batches.isEmpty
        let effects = try open.transaction {
            for batch in batches {
                for (content, manifest) in batch.manifests {
                    try open.index.putManifest(manifest, for: content)
                }
            }
            try open.index.putLocations(locations)
            if mustSave { try saveApplied(open) }
            let effects = try open.engine.receive(engineInputs)
            if !batches.isEmpty { Failpoint.commitOpen.reach() }
            return effects
        }
        if !batches.isEmpty { Failpoint.committed.reach() }
        if mustSave { unsavedApplied = [] }
        for effect in effects { perform(effect) }
    }

    private func collect(_ input: SessionInput, _ open: OpenShare, _ group: inout Group) {
        switch input {
        case .joined(let link): join(link, &group)
        case .left(let id, let device): leave(id, device, &group)
        case .subscribe(let id, let subscription):
            guard let link = links[id] else { return }
            subscribed.insert(id)
            group.inputs.append(.subscribed(id, link.device, subscription))
        case .commit(let id, let batch):
            guard let link = links[id] else { return }
            guard subscribed.contains(id) else {
                link.end(.malformed("commit before subscribe"))
                return
            }
            group.batches.append(batch)
            group.inputs.append(.commit(id, batch.batch))
        case .applied(let id, let revision):
            guard let link = links[id], revision <= open.index.head.revision else { return }
            applied[link.device] = revision
            unsavedApplied.insert(link.device)
        case .ping(let id, let number):
            if links[id] != nil { group.inputs.append(.pinged(id, number)) }
        case .drained(let id):
            if links[id] != nil { group.inputs.append(.drained(id)) }
        }
    }

    private func join(_ link: ControlLink, _ group: inout Group) {
        if let older = controls[link.device] {
            links[older.id] = nil
            subscribed.remove(older.id)
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
        group.inputs.append(.unsubscribed(id))
        guard controls[device]?.id == id else { return }
        controls[device] = nil
        if unsavedApplied.contains(device) { group.mustSaveApplied = true }
        logger.info("device disconnected", metadata: ["device": "\(device.short)"])
    }

    /// Puts the chunks that came with the batches into the store, as far as there is room; they are on disk
    /// when it returns.
    private func store(
        _ batches: [CheckedBatch], _ open: OpenShare
    ) throws(StateError) -> [(ChunkID, ChunkLocation)] {
        guard limitBytes != 0 else { return [] }
        var offered: [ChunkID: (ChunkReference, EncodedChunk)] = [:]
        for batch in batches {
            for chunk in batch.chunks { offered[chunk.0.id] = chunk }
        }
        guard !offered.isEmpty else { return [] }
        let references = offered.values.map(\.0)
        let missing = try open.transaction { try open.index.missing(references) }
        let chunks = missing.sorted().compactMap { id in offered[id].map { (id, $0.1) } }
        guard !chunks.isEmpty else { return [] }
        let locations: [ChunkLocation]
        do {
            guard let appended = try open.segments.append(chunks) else { return [] }
            locations = appended
        } catch {
            // The commit stands: the author has the contents.
            logger.error("cannot store chunks", metadata: ["error": "\(error)"])
            return []
        }
        Failpoint.chunksAppended.reach()
        try open.segments.sync()
        Failpoint.chunksSynced.reach()
        return Array(zip(chunks.map(\.0), locations))
    }

    private func saveApplied(_ open: OpenShare) throws(StateError) {
        for device in unsavedApplied.sorted() {
            if let revision = applied[device] { try open.index.setAppliedRevision(device, revision) }
        }
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
        case .acquire(let content, let sizeBytes, _):
            if limitBytes != 0 {
                acquisitions.add(Acquisition(content: content, sizeBytes: sizeBytes))
            }
        }
    }

    // MARK: Contents

    var segments: SegmentStore? { opened?.segments }

    /// What is known of a content; nil when no version of the share has it.
    func access(_ content: ContentID) -> ContentAccess? {
        read { open throws(StateError) in
            if content == CheckedBatch.emptyContent {
                return ContentAccess(manifest: Manifest([]), authors: [], segments: open.segments)
            }
            guard try open.index.isReferenced(content) else { return nil }
            var manifest = shelf.find(content)
            if manifest == nil {
                manifest = try open.index.manifest(content)
                if let manifest { shelf.put(manifest, for: content) }
            }
            return ContentAccess(
                manifest: manifest, authors: try open.index.authors(of: content), segments: open.segments)
        } ?? nil
    }

    /// Where those of the chunks lie that are stored.
    func locations(_ chunks: [ChunkID]) -> [ChunkID: ChunkLocation] {
        read { open throws(StateError) in
            var result: [ChunkID: ChunkLocation] = [:]
            for chunk in chunks { result[chunk] = try open.index.location(chunk) }
            return result
        } ?? [:]
    }

    /// Those of the chunks that are not stored.
    func missing(_ chunks: [ChunkReference]) -> Set<ChunkID> {
        read { open throws(StateError) in try open.index.missing(chunks) } ?? []
    }

    /// Remembers the chunk list of a content, verified by the caller.
    func keep(_ manifest: Manifest, for content: ContentID) {
        read { open throws(StateError) in try open.index.putManifest(manifest, for: content) }
        shelf.put(manifest, for: content)
    }

    /// Remembers where chunks lie that are on disk.
    func keep(_ locations: [(ChunkID, ChunkLocation)]) throws(StateError) {
        guard let open = opened else { throw StateError("cannot keep chunks: the share is closed") }
        try open.transaction { try open.index.putLocations(locations) }
    }

    /// Takes a chunk that cannot be read for missing.
    func forget(_ chunk: ChunkID) {
        read { open throws(StateError) in try open.index.removeLocation(chunk) }
    }

    /// Current contents of which something is missing, from some nodes after the revision; nil at the end.
    func incomplete(after revision: Revision) -> (incomplete: [Acquisition], through: Revision)? {
        guard limitBytes != 0 else { return nil }
        return read { open throws(StateError) -> (incomplete: [Acquisition], through: Revision)? in
            let records = try open.index.records(after: revision, limit: 64)
            guard let last = records.last else { return nil }
            var found: [Acquisition] = []
            for record in records {
                guard case .file(let file)? = record.state?.payload, file.sizeBytes > 0 else { continue }
                if let manifest = try open.index.manifest(file.content),
                    manifest.chunks.count <= ContentLimits.inlineChunks,
                    try open.index.missing(manifest.chunks).isEmpty
                {
                    continue
                }
                found.append(Acquisition(content: file.content, sizeBytes: file.sizeBytes))
            }
            return (found, last.revision)
        } ?? nil
    }

    /// How the share stands; nil while its files are not open.
    func standing() -> ShareStanding? {
        guard let open = opened else { return nil }
        return ShareStanding(
            head: open.index.head, storedBytes: open.segments.usedBytes, applied: applied,
            online: Set(controls.keys))
    }

    /// Uses the index in a transaction of its own; nil when that fails or the share is closed.
    @discardableResult
    private func read<T>(_ body: (OpenShare) throws(StateError) -> T) -> T? {
        guard let open = opened else { return nil }
        do {
            return try open.transaction { try body(open) }
        } catch {
            fail(error)
            return nil
        }
    }
}
