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
    nonisolated let retries = Mailbox<Void>(limitBytes: .max)
    /// Told of the first use after a rest.
    nonisolated let uses = Mailbox<Void>(limitBytes: .max)
    nonisolated let share: ShareRecord
    nonisolated private let lane: Lane
    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    private let directory: String
    let limitBytes: UInt64?
    let gate: StoreGate
    let acquisitions: AcquisitionQueue
    let roll: MemberRoll
    let logger: Logger

    private(set) var opened: OpenShare?
    /// Whether the share's files are to be made.
    private var isNew: Bool
    /// Whether the files were let go for good.
    private var isFinished = false
    /// Why the files are not open, when opening may be tried again, and how files looked that were refused.
    private var failure: (error: StateError, retryAt: Instant, refused: DatabaseLook?)?
    var shelf = ManifestShelf()
    /// All control connections that are not gone, and those that count: the newest of each device.
    var links: [SubscriberID: ControlLink] = [:]
    var controls: [DeviceID: ControlLink] = [:]
    var subscribed: Set<SubscriberID> = []
    var applied = AppliedRevisions()
    /// Nil while the index can be written.
    var held: HeldBatches?
    /// Where chunks of those batches lie that are stored already.
    var unrecorded: [ChunkID: ChunkLocation] = [:]
    /// Segments that were given up: what was stored there and is not in the index is lost.
    var retired: Set<UInt32> = []

    var isResting = true
    /// Whether the index was used since that was looked at.
    var isUsed = false
    /// How many damaged chunks were told of since the hub started.
    var toldDamage = 0

    /// The most bytes of batches that are decided in one transaction.
    static let groupBytes = 8 << 20
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

    /// Opens the share's files, or makes those of a new share.
    func open() throws(StateError) {
        guard opened == nil else { return }
        do throws(StateError) {
            let open = try OpenShare(directory: directory, isNew: isNew, limitBytes: limitBytes)
            let known = try open.transaction { try open.index.appliedRevisions() }
            applied = AppliedRevisions(known, members: roll.all)
            let whole = try? open.transaction { try open.index.takeWholeThrough() }
            acquisitions.requestSweep(after: open.beginsNewHistory ? .zero : whole ?? .zero)
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
            noteUse()
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
        applied.leaveUnsaved()
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
            try open.transaction {
                try applied.save(to: open.index)
                // A hub that keeps nothing misses nothing; with more room it would.
                if limitBytes != 0, acquisitions.isDone {
                    try open.index.setWholeThrough(open.index.head.revision)
                }
            }
        } catch {
            logger.warning("cannot save what the devices and the store hold", metadata: ["error": "\(error)"])
        }
        opened = nil
        open.index.close()
    }
}
