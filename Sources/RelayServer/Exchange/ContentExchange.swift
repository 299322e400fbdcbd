// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Logging
import RelayContent
import RelayCore
import RelayWire
import Synchronization

/// Brings contents that the hub lacks from the devices that are online: for other devices that want them, and
/// for the hub's own store. What arrives is verified, handed on at once, and stored if there is room.
final class ContentExchange: Sendable {
    private struct State {
        var machine: ExchangeMachine
        var links: [LinkID: BulkLink] = [:]
        var current: [DeviceID: LinkID] = [:]
        /// How many bytes of chunks had come over a connection when it was last taken for a sign of life.
        var heardBytes: [LinkID: UInt64] = [:]
        var chunkWaiters: [WaiterID: OneShot<ChunkOutcome>] = [:]
        var manifestWaiters: [WaiterID: OneShot<ManifestOutcome>] = [:]
        var lastWaiter: UInt64 = 0
        /// Callers who wait for a device to come online, or for a time.
        var parked: [(until: Instant, resumed: OneShot<Void>)] = []
        /// Chunks that came wrong once, and from whom.
        var wrong: Set<WrongChunk> = []
        /// Given when something is wanted while the watch is at rest.
        var wake: OneShot<Void>?
    }

    private struct WrongChunk: Hashable {
        let chunk: ChunkID
        let device: DeviceID
    }

    /// How many are remembered.
    private static let limitWrong = 4096

    /// Verified chunks that are to be stored, for the keeper.
    let keeping = Mailbox<(ChunkID, EncodedChunk)>(limitBytes: .max)
    private let session: ShareSession
    private let limits: ExchangeLimits
    private let logger: Logger
    private let state: Mutex<State>
    private let lookUps = Mailbox<Void>(limitBytes: .max)

    init(session: ShareSession, limits: ExchangeLimits, logger: Logger) {
        self.session = session
        self.limits = limits
        self.logger = logger
        state = Mutex(State(machine: ExchangeMachine(limits: limits)))
    }

    /// Looks up and watches over deadlines until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.lookUp() }
            group.addTask { await self.watch() }
        }
    }

    private func watch() async {
        while !Task.isCancelled {
            // The machine has no clock of its own: it is told the time, often enough for its deadlines.
            await waitForDeadline()
            let now = Instant.now()
            let isBack = noteHeard(now)
            drive { $0.tick(now: now) }
            resumeParked(now: now, all: isBack)
        }
    }

    /// Returns when a deadline may be over, or the task is cancelled.
    private func waitForDeadline() async {
        let woken = OneShot<Void>()
        let milliseconds: Int64 = state.withLock { state in
            let now = Instant.now()
            guard state.machine.isAtRest(now: now) else {
                return min(1000, max(10, limits.stallMilliseconds / 4))
            }
            state.wake = woken
            let parked = state.parked.map { $0.until.milliseconds - now.milliseconds }.min()
            return min(Self.longestRestMilliseconds, max(10, parked ?? .max))
        }
        // Unlike a sleep, whose timer stays until it is due, it is gone when something happens before.
        let timer = DispatchSource.makeTimerSource(queue: .global())
        timer.setEventHandler { woken.give(()) }
        timer.schedule(deadline: .now() + .milliseconds(Int(milliseconds)))
        timer.resume()
        await withTaskCancellationHandler {
            await woken.value()
        } onCancel: {
            woken.give(())
        }
        timer.cancel()
    }

    private static let longestRestMilliseconds: Int64 = 60_000

    /// Tells the machine who is sending chunks, though none may be whole yet; a trickle does not count. True
    /// if one of them had been passed over.
    private func noteHeard(_ now: Instant) -> Bool {
        state.withLock { state in
            var isBack = false
            for (id, link) in state.links {
                let bytes = link.receivedChunkBytes
                guard bytes >= state.heardBytes[id, default: 0] + Self.leastHeardBytes else { continue }
                state.heardBytes[id] = bytes
                if state.machine.heard(id, now: now) { isBack = true }
            }
            return isBack
        }
    }

    /// Fewer bytes than these are no sign of life.
    private static let leastHeardBytes: UInt64 = 4096

    private func lookUp() async {
        while !Task.isCancelled, !(await lookUps.take(limitBytes: 0)).isEmpty {
            while true {
                let ids = state.withLock { $0.machine.takeLookUps(limit: 512) }
                guard !ids.isEmpty else { break }
                let stored = await session.locations(ids)
                drive { $0.lookedUp(ids, stored: Set(stored.keys), now: .now()) }
            }
        }
    }

    /// Tells the machine something and does what it wants done. The actions are done under the lock, so that
    /// they happen in the machine's order; none of them waits or calls back.
    private func drive<T: Sendable>(_ body: (inout ExchangeMachine) -> T) -> T {
        state.withLock { state in
            let result = body(&state.machine)
            performActions(&state)
            return result
        }
    }

    private func performActions(_ state: inout State) {
        for action in state.machine.takeActions() { perform(action, &state) }
        if let wake = state.wake, !state.machine.isAtRest(now: .now()) {
            state.wake = nil
            wake.give(())
        }
    }

    private func perform(_ action: ExchangeAction, _ state: inout State) {
        switch action {
        case .send(let link, let message): state.links[link]?.send(message)
        case .answer(let waiter, let outcome): state.chunkWaiters.removeValue(forKey: waiter)?.give(outcome)
        case .answerManifest(let waiter, let outcome):
            state.manifestWaiters.removeValue(forKey: waiter)?.give(outcome)
        case .keep(let id, let chunk): keeping.put((id, chunk), bytes: chunk.bytes.count)
        case .lookUp: lookUps.put(())
        case .stalled(let device):
            logger.warning("device does not answer", metadata: ["device": "\(device.short)"])
        }
    }

    // MARK: Devices

    /// Takes in a device's bulk connection. An older one of the same device is ended.
    func attach(_ link: BulkLink) {
        let superseded: BulkLink? = state.withLock { state in
            let older = state.current[link.device].flatMap { state.links.removeValue(forKey: $0) }
            if let older {
                state.heardBytes[older.id] = nil
                state.machine.detach(older.id, now: .now())
            }
            state.links[link.id] = link
            state.current[link.device] = link.id
            state.machine.attach(link.id, link.device, now: .now())
            performActions(&state)
            return older
        }
        superseded?.end(.superseded)
        resumeParked(now: .now(), all: true)
    }

    func detach(_ link: BulkLink) {
        state.withLock { state in
            guard state.links.removeValue(forKey: link.id) != nil else { return }
            state.heardBytes[link.id] = nil
            if state.current[link.device] == link.id { state.current[link.device] = nil }
            state.machine.detach(link.id, now: .now())
            performActions(&state)
        }
    }

    /// How often devices came online.
    var arrivals: UInt64 { state.withLock { $0.machine.arrivals } }

    /// The devices that can be asked now.
    var online: Set<DeviceID> { state.withLock { Set($0.current.keys) } }

    /// Ends all bulk connections.
    func endAll(_ refusal: Refusal) {
        let links = state.withLock { Array($0.links.values) }
        for link in links { link.end(refusal) }
    }

    /// Cuts the device's connections off. Nobody waits for it any more.
    func dismiss(_ device: DeviceID, _ refusal: Refusal) {
        let links = state.withLock { state in state.links.values.filter { $0.device == device } }
        for link in links {
            detach(link)
            link.cut(refusal)
        }
        resumeParked(now: .now(), all: true)
    }

    // MARK: Wanting

    /// Brings a chunk, by one request however many callers want it.
    func chunk(_ source: ChunkSource, for asker: Asker) async -> ChunkOutcome {
        let answer = OneShot<ChunkOutcome>()
        let waiter: WaiterID = state.withLock { state in
            state.lastWaiter += 1
            let waiter = WaiterID(number: state.lastWaiter)
            state.chunkWaiters[waiter] = answer
            state.machine.want(source, waiter, asker)
            performActions(&state)
            return waiter
        }
        let outcome = await Self.answer(answer, ifCancelled: .cancelled)
        if case .cancelled = outcome {
            drive { $0.cancel(waiter, chunk: source.want.chunk.id, now: .now()) }
        }
        return outcome
    }

    /// Waits for the answer, or until the task is cancelled.
    ///
    /// A cancellation handler runs under the runtime's lock of the task: all it may do is give. Whatever
    /// takes a lock under which tasks are resumed is done afterwards, by the task itself.
    private static func answer<T: Sendable>(_ answer: OneShot<T>, ifCancelled: T) async -> T {
        await withTaskCancellationHandler {
            await answer.value()
        } onCancel: {
            answer.give(ifCancelled)
        }
    }

    /// Brings a content's chunk list and puts it into the index.
    /// `known`: a chunk list in terms of which it may be told.
    func manifest(
        _ content: ContentID, authors: [DeviceID], knowing known: KnownManifest?, for asker: Asker
    ) async -> ManifestOutcome {
        let answer = OneShot<ManifestOutcome>()
        let waiter: WaiterID = state.withLock { state in
            state.lastWaiter += 1
            let waiter = WaiterID(number: state.lastWaiter)
            state.manifestWaiters[waiter] = answer
            state.machine.wantManifest(
                content, authors: authors, knowing: known, waiter, asker, now: .now())
            performActions(&state)
            return waiter
        }
        let outcome = await Self.answer(answer, ifCancelled: .cancelled)
        if case .cancelled = outcome {
            drive { $0.cancel(waiter, manifest: content, now: .now()) }
        }
        return outcome
    }

    /// Returns when more than `arrivals` devices came online altogether, and after this long in any case.
    func waitForHolder(after arrivals: UInt64, atMostMilliseconds: Int64) async {
        let resumed = OneShot<Void>()
        let mustWait = state.withLock { state in
            guard state.machine.arrivals == arrivals else { return false }
            state.parked.append((Instant.now() + atMostMilliseconds, resumed))
            // The watch may rest for longer than this.
            state.wake?.give(())
            state.wake = nil
            return true
        }
        guard mustWait else { return }
        await withTaskCancellationHandler {
            await resumed.value()
        } onCancel: {
            resumed.give(())
        }
    }

    /// Has those look again who wait for a device: what they want may be stored.
    func resumeWaiting() {
        // Those who are about to wait do not begin to.
        state.withLock { $0.machine.noteReleased() }
        resumeParked(now: .now(), all: true)
    }

    private func resumeParked(now: Instant, all: Bool) {
        let due: [OneShot<Void>] = state.withLock { state in
            let due = state.parked.filter { all || $0.until <= now }.map(\.resumed)
            if !due.isEmpty { state.parked.removeAll { all || $0.until <= now } }
            return due
        }
        for resumed in due { resumed.give(()) }
    }

    // MARK: Answers

    /// A chunk came from a device as its difference to the base that it was told of; it is verified here.
    func receive(delta: EncodedChunk, request: UInt32, index: UInt32, from link: BulkLink) {
        guard let asked = state.withLock({ $0.machine.expected(link.id, request, index: index) }) else {
            return
        }
        guard let base = asked.base else {
            // Nobody told of one: who answers so again and again is not asked again and again.
            logger.warning(
                "difference to nothing received",
                metadata: ["device": "\(link.device.short)", "chunk": "\(asked.reference.id)"])
            drive { $0.refused(link.id, request, index: index, isBusy: false, now: .now()) }
            return
        }
        do {
            let bytes = try ChunkDelta.apply(delta, to: base.bytes, verifying: asked.reference)
            let chunk = ChunkCodec.encode(bytes)
            drive { $0.arrived(link.id, request, index: index, chunk, now: .now()) }
        } catch {
            logger.info(
                "a difference makes another chunk, which is asked for as a whole",
                metadata: [
                    "device": "\(link.device.short)", "chunk": "\(asked.reference.id)", "reason": "\(error)",
                ])
            drive { $0.mistold(link.id, request, index: index, now: .now()) }
        }
    }

    /// A chunk came from a device; it is verified here, in the caller's task.
    func receive(_ chunk: EncodedChunk, request: UInt32, index: UInt32, from link: BulkLink) {
        let expected = state.withLock { $0.machine.expected(link.id, request, index: index) }?.reference
        guard let expected else {
            logger.debug("unexpected chunk dropped", metadata: ["device": "\(link.device.short)"])
            return
        }
        do {
            guard chunk.sizeBytes == expected.sizeBytes else {
                throw ContentError.mismatch("size \(chunk.sizeBytes) instead of \(expected.sizeBytes)")
            }
            _ = try ChunkCodec.decode(chunk, verifying: expected.id)
            drive { $0.arrived(link.id, request, index: index, chunk, now: .now()) }
        } catch {
            logger.warning(
                "wrong chunk received",
                metadata: [
                    "device": "\(link.device.short)", "chunk": "\(expected.id)", "reason": "\(error)",
                ])
            // Most often the file has just changed: the device looks closer when it is asked again. One that
            // sends the same chunk wrong twice is not worth waiting for.
            let isFirst = isFirstWrong(WrongChunk(chunk: expected.id, device: link.device))
            drive { $0.refused(link.id, request, index: index, isBusy: isFirst, now: .now()) }
        }
    }

    private func isFirstWrong(_ chunk: WrongChunk) -> Bool {
        state.withLock { state in
            if state.wrong.count >= Self.limitWrong { state.wrong = [] }
            return state.wrong.insert(chunk).inserted
        }
    }

    /// A device cannot give what it was asked for.
    func refuse(_ reason: UnavailableReason, request: UInt32, index: UInt32?, from link: BulkLink) {
        drive { $0.refused(link.id, request, index: index, isBusy: reason == .busy, now: .now()) }
    }

    /// A part of a chunk list came; the whole list is verified here and put into the index.
    func receive(
        _ part: ExchangeMachine.ManifestPart, first: UInt32, total: UInt32, request: UInt32,
        from link: BulkLink
    ) async {
        let whole = drive {
            $0.manifestPart(link.id, request, first: first, total: total, part, now: .now())
        }
        guard let (content, manifest) = whole else { return }
        guard Hashing.contentID(of: manifest) == content else {
            logger.warning(
                "wrong chunk list received",
                metadata: ["device": "\(link.device.short)", "content": "\(content)"])
            drive { $0.manifestWrong(content, now: .now()) }
            return
        }
        await session.keep(manifest, for: content)
        Failpoint.listKept.reach()
        drive { $0.manifestKept(content, manifest) }
    }

    /// Chunks lie in the store, or had no room. `roomBytes` is what the store still takes; nil: no bound.
    func settled(_ ids: [ChunkID], isKept: Bool, roomBytes: UInt64?) {
        drive {
            $0.roomBytes = roomBytes
            $0.settled(ids, isKept: isKept, now: .now())
        }
    }

    func setRoom(_ roomBytes: UInt64?) { drive { $0.roomBytes = roomBytes } }
}
