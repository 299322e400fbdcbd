// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayFolder
import RelayStorage
import RelayWire
import Synchronization

/// Keeps one folder equal to its share for as long as the agent runs: makes a run, and when it ends, another.
///
/// What is wrong with the folder (missing, replaced, in use) or with its state halts this folder alone, with
/// the reason in its status, until a later try finds the cause gone.
final class FolderSession: Sendable {
    private struct State {
        var run: FolderRun?
        /// Why there is no run.
        var reason: String?
        /// Of the last run, for the time between two.
        var cursor: Cursor?
        /// Whether the last run found its replica damaged.
        var isDamaged = false
        var standing = Standing.serving
        /// Whether a run is being made, or is at work.
        var isWorking = false
    }

    private enum Standing {
        /// Legal exit: `suspended`.
        case serving
        /// No run is made. Legal exits: `serving`, `givenUp`.
        case suspended
        /// For good.
        case givenUp
    }

    let record: FolderRecord
    private let configuration: AgentConfiguration
    private let address: HubAddress
    private let logger: Logger
    private let state = Mutex(State())
    /// Fires when a run begins or ends.
    private let changed = Signal()

    /// The threads of one folder's transfers.
    private static let transferThreads = 8

    init(
        record: FolderRecord, configuration: AgentConfiguration, identity: DeviceIdentity, logger: Logger
    ) {
        self.record = record
        self.configuration = configuration
        address = HubAddress(
            host: record.hubHost, port: record.hubPort, hub: record.hub, share: record.share,
            identity: identity, deviceName: configuration.deviceName)
        var logger = logger
        logger[metadataKey: "share"] = "\(record.share)"
        self.logger = logger
    }

    /// Works until the task is cancelled.
    func run() async {
        while await mayBegin() {
            let begin = ContinuousClock.now
            let reason: String
            do throws(RunFailure) {
                let run = try await makeRun()
                let isSuspended = state.withLock { state in
                    state.run = run
                    return state.standing != .serving
                }
                if isSuspended { run.ended.set(Self.suspension) }
                changed.fire()
                reason = await run.run()
                let cursor = run.snapshot.withLock { $0.cursor }
                state.withLock { state in
                    state.run = nil
                    state.cursor = cursor
                    state.isDamaged = run.damage.value != nil
                }
            } catch {
                reason = error.reason
            }
            halt(reason)
            state.withLock { $0.isWorking = false }
            changed.fire()
            if Task.isCancelled { break }
            // A run that ends at once would be made anew all the time.
            let lived = ContinuousClock.now - begin
            await pause(lived > .seconds(60) ? .milliseconds(100) : configuration.retryInterval)
        }
    }

    private static let suspension = "the folder is being given up"

    /// Waits while the session is suspended, and notes that it is at work; false once that is over for good.
    private func mayBegin() async -> Bool {
        while !Task.isCancelled {
            let generation = generation
            let standing = state.withLock { state in
                if state.standing == .serving { state.isWorking = true }
                return state.standing
            }
            switch standing {
            case .serving: return true
            case .givenUp: return false
            case .suspended: await waitForChange(after: generation)
            }
        }
        return false
    }

    /// Ends the run and makes no other; returns once the folder is let go of. False, and nothing done, if it
    /// is suspended already, or the task was cancelled.
    func suspend() async -> Bool {
        let (isFirst, run): (Bool, FolderRun?) = state.withLock { state in
            guard state.standing == .serving else { return (false, nil) }
            state.standing = .suspended
            return (true, state.run)
        }
        guard isFirst else { return false }
        run?.ended.set(Self.suspension)
        while state.withLock({ $0.isWorking }) {
            let generation = generation
            guard state.withLock({ $0.isWorking }) else { break }
            await waitForChange(after: generation)
            if Task.isCancelled {
                resume()
                return false
            }
        }
        return true
    }

    /// Goes on, after `suspend`.
    func resume() {
        state.withLock { $0.standing = .serving }
        changed.fire()
    }

    /// Is over for good, after `suspend`.
    func giveUp() {
        state.withLock { $0.standing = .givenUp }
        changed.fire()
    }

    /// Whether it is over for good.
    var isGivenUp: Bool { state.withLock { $0.standing == .givenUp } }

    private func halt(_ reason: String) {
        let isNews = state.withLock { state in
            defer { state.reason = reason }
            return state.reason != reason
        }
        changed.fire()
        guard isNews, !Task.isCancelled else { return }
        logger.error("folder halted", metadata: ["path": "\(record.path)", "reason": "\(reason)"])
    }

    // Making a run.

    private struct RunFailure: Error {
        var reason: String
    }

    private func makeRun() async throws(RunFailure) -> FolderRun {
        let pool = BlockingPool(label: "relay.transfer", width: Self.transferThreads)
        let record = record
        let opened: Result<SharedFolder, FolderError> = await pool.run {
            do throws(FolderError) {
                guard let root = RootRecord(encoded: record.root) else {
                    throw .failed("cannot open \(record.path): what is known of its root is damaged")
                }
                return .success(try SharedFolder.open(record.path, expecting: root, create: false))
            } catch {
                return .failure(error)
            }
        }
        let folder: SharedFolder
        switch opened {
        case .success(let opened): folder = opened
        case .failure(let error): throw RunFailure(reason: "\(error)")
        }
        do throws(StateError) {
            return try compose(folder, pool)
        } catch {
            folder.close()
            throw RunFailure(reason: "\(error)")
        }
    }

    private func compose(_ folder: SharedFolder, _ pool: BlockingPool) throws(StateError) -> FolderRun {
        let mailbox = InputMailbox()
        let ended = OneShot<String>()
        let post: @Sendable (AgentInput) -> Void = { mailbox.post($0) }
        let turned = Signal()
        let lane = FolderLane(
            folder: folder, onEchoes: { turned.fire() }, onRootLost: { error in _ = ended.set("\(error)") })
        let exchange = BulkExchange()
        let sources = SourceCache(
            folder: folder, pool: pool, locate: { [weak self] in await self?.current?.locate($0) },
            onChange: { mailbox.post(.hints([.entry($0, writing: false)])) })
        let watch = FolderWatch(
            executable: configuration.watchExecutable, folder: folder.path, lane: lane, logger: logger,
            post: post, onRootGone: { [lane] in lane.check() })
        let parts = FolderRun.Parts(
            folder: folder, lane: lane, turned: turned,
            readers: FileReaders(folder: folder) { mailbox.post(.read($0)) },
            fetcher: ContentFetcher(
                tools: FetchTools(folder: folder, exchange: exchange, pool: pool), post: post),
            sources: sources, pool: pool,
            link: HubLink(
                address: address, exchange: exchange,
                provider: ContentProvider(
                    sources: sources, pool: pool,
                    knownManifest: { [weak self] in await self?.current?.manifest(of: $0) }),
                logger: logger,
                room: HubLink.Room(isThere: { mailbox.hasRoom }, changed: turned), post: post),
            watch: watch, joinedDevice: RootRecord(encoded: record.root)?.device ?? folder.record.device,
            hubText: address.text, device: address.identity.id, logger: logger)
        return try makeRun(parts, mailbox, ended)
    }

    /// A damaged replica is put aside: a new one is built by looking through the folder and at the share.
    private func makeRun(
        _ parts: FolderRun.Parts, _ mailbox: InputMailbox, _ ended: OneShot<String>
    ) throws(StateError) -> FolderRun {
        let file = StateLayout(configuration.stateDirectory).replica(record)
        func open() throws(StateError) -> FolderRun {
            try FolderRun(
                parts: parts, replicaPath: file, configuration: configuration, mailbox: mailbox, ended: ended)
        }
        do throws(StateError) {
            guard !state.withLock({ $0.isDamaged }) else { throw StateError(reason, isDamaged: true) }
            return try open()
        } catch {
            guard error.isDamaged else { throw error }
            let aside = try StateLayout.putAside(file)
            logger.error(
                "agent state was damaged, building it anew",
                metadata: ["reason": "\(error)", "moved": "\(aside)"])
            state.withLock { $0.isDamaged = false }
            return try open()
        }
    }

    // For those who ask.

    /// The run of this moment.
    var current: FolderRun? { state.withLock { $0.run } }

    /// Whether there was no run yet, and nothing that kept one from starting.
    var isStarting: Bool { state.withLock { $0.run == nil && $0.reason == nil } }

    /// Why there is no run.
    var reason: String { state.withLock { $0.reason } ?? "starting" }

    /// Returns when another run begins or the present one ends. `generation` from before `current` was read.
    func waitForChange(after generation: UInt64) async { await changed.wait(after: generation) }

    var generation: UInt64 { changed.generation }

    func report() async -> FolderReport {
        guard let run = current else {
            let (reason, cursor) = state.withLock { ($0.reason, $0.cursor) }
            return FolderReport(
                path: record.path, share: record.share, hub: address.text,
                state: reason == nil ? .syncing : .halted, reason: reason,
                cause: reason == nil ? nil : .halted, isConnected: false, isScanned: false,
                revision: cursor?.revision.number ?? 0,
                epoch: cursor.map { "\($0.epoch)" } ?? "", pending: 0, polledDirectories: 0,
                watchOverflows: 0,
                verification: VerificationStanding(), problems: [])
        }
        return await run.report(path: record.path, share: record.share)
    }
}
