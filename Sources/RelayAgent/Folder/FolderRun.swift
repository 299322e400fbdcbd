// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayFolder
import RelayStorage
import Synchronization

/// One opened folder at work: owns its engine and replica, and lets the rooms carry out what the engine
/// decides.
///
/// Made for one stretch of work and never repaired: whatever breaks ends the run with a reason, and a new one
/// is made over what is on disk. Everything that the engine is told goes through one mailbox; a turn takes
/// all that waits, in one transaction.
actor FolderRun {
    /// What the run is made of besides the engine; all of it may be used from anywhere.
    struct Parts: Sendable {
        let folder: SharedFolder
        let lane: FolderLane
        /// Fires after each turn, and when hints that waited in the lane were looked into.
        let turned: Signal
        let readers: FileReaders
        let fetcher: ContentFetcher
        let sources: SourceCache
        let pool: BlockingPool
        let link: HubLink
        let watch: FolderWatch
        /// The number of the folder's device when it was joined.
        let joinedDevice: UInt64
        let hubText: String
        /// As whom the hub knows this agent.
        let device: DeviceID
        let logger: Logger
    }

    /// What is known of the engine without asking it.
    struct Snapshot: Sendable {
        var engine: EngineState?
        var cursor: Cursor?
        var problems: [PathReport] = []
        var verification = VerificationStanding()
    }

    nonisolated let parts: Parts
    nonisolated var turned: Signal { parts.turned }
    /// Why the run is over.
    nonisolated let ended: OneShot<String>
    nonisolated let snapshot = Mutex(Snapshot())
    nonisolated let mailbox: InputMailbox
    /// Set when the replica turns out to be damaged.
    nonisolated let damage = OneShot<Bool>()
    /// Set while the folder may lack what was written in it before a power cut.
    private nonisolated let mayHaveLostWrites = Mutex(false)
    private nonisolated let mark: RunMark

    nonisolated let configuration: AgentConfiguration
    private nonisolated let loop: LoopExecutor
    private let engine: AgentEngine<SQLiteReplica>
    private let replica: SQLiteReplica
    private var timer: LoopTimer?
    private var changes: ChangeLog
    /// Batches without an answer, for the log.
    private var commits: [BatchID: (operations: [Operation], removed: [NodeID: RelativePath])] = [:]

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// Opens the replica. `handle` gets the run for as long as it works.
    init(
        parts: Parts, replicaPath: String, configuration: AgentConfiguration, mailbox: InputMailbox,
        ended: OneShot<String>
    ) throws(StateError) {
        self.parts = parts
        self.mailbox = mailbox
        self.ended = ended
        self.configuration = configuration
        loop = LoopExecutor(label: "relay.engine")
        mark = RunMark(replicaPath: replicaPath)
        replica = try SQLiteReplica(path: replicaPath)
        Failpoint.replicaMade.reach()
        try replica.follow(device: parts.folder.record.device, from: parts.joinedDevice)
        engine = AgentEngine(
            replica: replica, deviceName: configuration.deviceName, device: parts.device,
            randomness: SystemRandomNumberGenerator())
        changes = ChangeLog(logger: parts.logger)
    }

    // Running.

    /// Works until something breaks or the task is cancelled; returns why it is over.
    nonisolated func run() async -> String {
        let kept = await begin()
        let folder = parts.folder
        await parts.pool.run { [self] in
            folder.sweepStage(keeping: kept)
            Failpoint.stageSwept.reach()
            beginMark()
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in await parts.watch.run() }
            group.addTask { [self] in
                await parts.watch.waitUntilReady()
                guard !Task.isCancelled else { return }
                open()
                await parts.link.run()
            }
            group.addTask { [self] in await rescanRegularly() }
            group.addTask { [self] in await settleRegularly() }
            group.addTask { [self] in await verifyRegularly() }
            group.addTask { [self] in await lookForHangs() }
            _ = await ended.wait()
            group.cancelAll()
        }
        ended.set("stopped")
        turned.fire()
        parts.lane.stop()
        parts.readers.stop()
        await parts.fetcher.stop()
        parts.sources.removeAll()
        await endMark()
        await parts.pool.run { folder.close() }
        await close()
        return ended.value ?? "stopped"
    }

    /// Gets ready for turns; returns the nodes whose staged files may still be of use.
    private func begin() -> Set<NodeID> {
        timer = loop.makeTimer { [weak self] in self?.post(.tick) }
        mailbox.connect { [weak self] in self?.scheduleTurn() }
        do {
            // Each version of a large file leaves a chunk list.
            try replica.transaction { _ = try replica.sweepManifests() }
        } catch {
            fail(error)
        }
        return look { _, replica in
            var unsynced: Set<NodeID> = []
            var after: NodeID?
            while true {
                let page = try replica.unsynced(after: after, limit: 1000)
                unsynced.formUnion(page)
                guard page.count == 1000, let last = page.last else { return unsynced }
                after = last
            }
        } ?? []
    }

    private nonisolated func open() {
        parts.logger.info("folder opened", metadata: ["path": "\(parts.folder.path)"])
        mailbox.open(
            first: .opened(
                root: parts.folder.rootIdentity, mayHaveLostWrites: mayHaveLostWrites.withLock { $0 },
                foldsNames: parts.folder.foldsNames, hasFineTimes: parts.folder.hasFineTimes))
    }

    /// Finds out whether the folder's file system went down under the last run, and marks this one.
    private nonisolated func beginMark() {
        let instance = parts.folder.mountInstance()
        if let last = mark.read(), last != instance {
            mayHaveLostWrites.withLock { $0 = true }
            parts.logger.notice(
                "the folder's file system was not unmounted in order: what was written last is checked")
            return
        }
        renewMark(instance)
    }

    private nonisolated func renewMark(_ instance: String?) {
        do throws(StateError) {
            guard let instance else { return }
            try mark.write(instance)
            Failpoint.runMarked.reach()
        } catch {
            fail(error)
        }
    }

    /// What the folder holds is on the disk now, as far as that goes quickly.
    private nonisolated func endMark() async {
        guard !mayHaveLostWrites.withLock({ $0 }) else { return }
        let (folder, synced) = (parts.folder, OneShot<Bool>())
        parts.pool.submit { synced.set(folder.syncFileSystem()) }
        if await withDeadline(seconds: 0.5, { await synced.wait() }) == true { mark.remove() }
    }

    /// Keeps nothing in memory that can be read again.
    func releaseMemory() {
        engine.shrink()
        replica.releaseMemory()
    }

    private func close() {
        timer = nil
        mailbox.disconnect()
        replica.close()
    }

    private nonisolated func rescanRegularly() async {
        var interval = configuration.rescanInterval
        while !Task.isCancelled {
            let isWatched = parts.watch.status.trouble == nil
            let regular = isWatched ? configuration.rescanInterval : configuration.unwatchedRescanInterval
            interval = max(regular, interval) * Double.random(in: 0.8...1.2)
            // The watcher may fail while the long wait is under way.
            let begin = ContinuousClock.now
            while ContinuousClock.now - begin < interval, !Task.isCancelled {
                await pause(min(interval, .seconds(15)))
                if isWatched, parts.watch.status.trouble != nil { break }
            }
            guard !Task.isCancelled else { return }
            let before = parts.lane.scanTime
            post(.rescan)
            await pause(.seconds(1))
            // Looking through a large folder shall not be most of what the agent does.
            interval = (parts.lane.scanTime - before) * 20
        }
    }

    // Turns.

    /// Tells the engine something; a turn follows.
    nonisolated func post(_ input: AgentInput) { mailbox.post(input) }

    private nonisolated func scheduleTurn() {
        loop.async { [weak self] in self?.assumeIsolated { $0.turn() } }
    }

    /// Runs the body on the engine's thread, after what waits there already.
    nonisolated func enqueue(_ body: @escaping @Sendable (isolated FolderRun) -> Void) {
        loop.async { [weak self] in self?.assumeIsolated(body) }
    }

    /// Tells the engine all that waits, and begins what it wants done.
    func turn() {
        guard ended.value == nil else { return }
        let inputs = mailbox.takeAll()
        guard !inputs.isEmpty else { return }
        let now = MonotonicClock.now()
        do {
            let effects = try replica.transaction {
                let effects = try engine.receive(inputs, now: now, wallClock: MonotonicClock.wallClock())
                note(inputs, effects, now)
                Failpoint.turnOpen.reach()
                return effects
            }
            Failpoint.turnCommitted.reach()
            reachFailpoints(inputs)
            for effect in effects { perform(effect, now) }
            let (state, cursor) = (engine.state, replica.cursor)
            snapshot.withLock { snapshot in
                snapshot.engine = state
                snapshot.cursor = cursor
            }
            mailbox.handled(keeping: engine.bytesToPlace)
        } catch {
            fail(error)
        }
        turned.fire()
    }

    private func perform(_ effect: AgentEffect, _ now: Instant) {
        switch effect {
        case .readRules(let isInsisting):
            parts.lane.readRules(isInsisting: isInsisting) { [mailbox] in mailbox.post(.rules($0)) }
        case .scan(let requests, let wishes):
            parts.lane.scan(requests, reading: wishes) { [mailbox] in mailbox.post(.scanned($0)) }
        case .apply(let actions):
            parts.lane.apply(actions) { [mailbox] in mailbox.post(.applied($0)) }
        case .read(let requests): parts.readers.read(requests)
        case .send(let message):
            parts.link.send(message)
            if case .commit = message { Failpoint.batchSent.reach() }
        case .stage(let request): parts.fetcher.stage(request)
        case .unstage(let node, let content): parts.fetcher.unstage(node: node, content: content)
        case .wake(let due): timer?.fire(afterMilliseconds: due.milliseconds &- now.milliseconds)
        case .halted(let reason):
            Failpoint.holdBegun.reach()
            parts.logger.error("folder halted", metadata: ["reason": "\(reason)"])
        case .resumed:
            Failpoint.holdEnded.reach()
            parts.logger.notice("folder goes on")
        case .checkedLosses:
            mayHaveLostWrites.withLock { $0 = false }
            Failpoint.lossesChecked.reach()
            parts.pool.submit { [self] in renewMark(parts.folder.mountInstance()) }
        }
    }

    /// What was told is in the replica now.
    private nonisolated func reachFailpoints(_ inputs: [AgentInput]) {
        #if DEBUG
            for case .message(let message) in inputs {
                switch message {
                case .changes: Failpoint.pageTaken.reach()
                case .committed: Failpoint.answersTaken.reach()
                case .welcome(let welcome) where !welcome.resumes: Failpoint.historyForked.reach()
                default: break
                }
            }
        #endif
    }

    /// Writes the log lines of what was done.
    private func note(_ inputs: [AgentInput], _ effects: [AgentEffect], _ now: Instant) {
        for input in inputs {
            switch input {
            case .applied(let results): changes.note(results, now: now)
            case .disconnected: commits = [:]
            case .message(.committed(let id, let answers, _)):
                guard let commit = commits.removeValue(forKey: id) else { continue }
                changes.note(commit.operations, answers, now: now) { [engine] node in
                    commit.removed[node] ?? (try? engine.anyPath(node)) ?? nil
                }
            default: break
            }
        }
        for case .send(.commit(let batch)) in effects {
            var removed: [NodeID: RelativePath] = [:]
            for case .remove(let node, _, _) in batch.operations.prefix(ChangeLog.linesPerSecond) {
                removed[node] = (try? engine.anyPath(node)) ?? nil
            }
            commits[batch.id] = (batch.operations, removed)
        }
    }

    private nonisolated func fail(_ error: any Error) {
        let reason = (error as? StateError)?.description ?? "\(error)"
        if (error as? StateError)?.isDamaged == true { damage.set(true) }
        if ended.set(reason) { parts.logger.error("state failed", metadata: ["reason": "\(reason)"]) }
    }

    // Looking in.

    /// Runs the body over what the engine and its replica know, between two turns; nil once the run is over.
    func look<Value: Sendable>(
        _ body: (AgentEngine<SQLiteReplica>, SQLiteReplica) throws -> Value
    ) -> Value? {
        guard ended.value == nil else { return nil }
        do {
            return try replica.transaction { try body(engine, replica) }
        } catch {
            fail(error)
            return nil
        }
    }

    /// The chunk list of a content, if it is at hand.
    func manifest(of content: ContentID) -> Manifest? {
        look { _, replica in try replica.manifest(content) } ?? nil
    }

    /// A file in the folder that holds this content.
    func locate(_ content: ContentID) -> LocalSource? {
        look { engine, _ in try engine.locate(content) } ?? nil
    }
}
