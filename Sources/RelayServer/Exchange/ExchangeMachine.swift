// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// Decides who is asked for the contents that the hub lacks, and who gets what arrives.
///
/// A deterministic machine: inputs go in, actions come out. There is at most one request under way for a
/// chunk or a chunk list, however many wait for it. A holder that cannot give it, gives it wrong or is silent
/// too long is followed by the next; when there is none, the waiters are told, and the matter is forgotten.
struct ExchangeMachine {
    struct ChunkJob {
        enum Phase {
            /// Perhaps it is stored. Legal exits: `queued`, done.
            case lookingUp
            /// Waits until the holder may be asked for more. Legal exits: `queued`, `asked`, `lookingUp`,
            /// done.
            case queued(LinkID)
            /// Legal exits: `queued` (another holder), `keeping`, `lookingUp`, done.
            case asked(LinkID, request: UInt32)
            /// It is here and is being stored. Legal exit: done.
            case keeping(EncodedChunk)
        }
        /// Where it can be had; the first is asked for.
        var sources: [ChunkSource]
        var waiters: [WaiterID: Asker]
        var tried: Set<DeviceID> = []
        var isBusy = false
        var phase = Phase.lookingUp
        /// How often chunks had come to be stored when this one was looked up last.
        var releases: UInt64 = 0

        var isPatient: Bool { waiters.values.allSatisfy { $0 == .store } }
        var hasStore: Bool { waiters.values.contains(.store) }
        var askers: Set<DeviceID> { Set(waiters.values.compactMap(\.device)) }
    }

    /// A part of a chunk list, as it came.
    enum ManifestPart {
        case chunks([ChunkReference])
        /// So many chunks of the list that the request named.
        case copy(start: UInt32, count: UInt32)
    }

    struct ManifestJob {
        enum Phase {
            case asked(LinkID, request: UInt32)
            /// It is here, is being verified and put into the index.
            case keeping(DeviceID)
        }
        var authors: [DeviceID]
        /// A list in terms of which it may be told.
        var known: KnownManifest?
        var waiters: [WaiterID: Asker]
        var tried: Set<DeviceID> = []
        var isBusy = false
        var phase: Phase?
    }

    let limits: ExchangeLimits
    /// How much the store still takes; nil: there is no bound.
    var roomBytes: UInt64?
    var holders = HolderTable()
    var chunks: [ChunkID: ChunkJob] = [:]
    var manifests: [ContentID: ManifestJob] = [:]
    /// How often devices came online.
    private(set) var arrivals: UInt64 = 0
    /// How often chunks came to be stored that were not, by no doing of the machine.
    private var releases: UInt64 = 0
    private var lookUps: [ChunkID] = []
    private var keepingBytes = 0
    private var actions: [ExchangeAction] = []

    init(limits: ExchangeLimits = ExchangeLimits()) { self.limits = limits }

    mutating func takeActions() -> [ExchangeAction] {
        defer { actions = [] }
        return actions
    }

    mutating func act(_ action: ExchangeAction) { actions.append(action) }

    /// Whether nothing is wanted of anybody, and nobody is passed over: so that no time matters.
    func isAtRest(now: Instant) -> Bool {
        chunks.isEmpty && manifests.isEmpty && holders.all.allSatisfy { $0.stalledUntil <= now }
    }

    // MARK: Devices

    mutating func attach(_ link: LinkID, _ device: DeviceID, now: Instant) {
        holders.attach(link, device, limitBytes: limits.askedBytes, now: now)
        arrivals += 1
    }

    /// Chunks are stored that were not: as good as a device that has them. What was looked up before is
    /// looked up again before anybody is told that nobody has it.
    mutating func noteReleased() {
        arrivals += 1
        releases += 1
    }

    /// Bytes of chunks came from the holder, whatever for: it is alive. True if it had been passed over.
    mutating func heard(_ link: LinkID, now: Instant) -> Bool {
        guard let holder = holders[link] else { return false }
        holders[link]?.progress = now
        guard holder.stalledUntil > now else { return false }
        holders[link]?.stalledUntil = now
        arrivals += 1
        return true
    }

    mutating func detach(_ link: LinkID, now: Instant) {
        guard let holder = holders.detach(link) else { return }
        for request in holder.asks.keys.sorted() {
            if let ask = holder.asks[request] { reassign(ask, link, request, isTried: false, now: now) }
        }
        reassignQueued(holder, now: now)
        fillAll(now: now)
    }

    /// Passes over those who are silent too long.
    mutating func tick(now: Instant) {
        var isChanged = false
        for var holder in holders.all where holder.isStalled(limits, now: now) {
            isChanged = true
            act(.stalled(holder.device))
            holder.stalledUntil = now + limits.penaltyMilliseconds
            let asks = holder.asks.sorted { $0.key < $1.key }
            for (request, _) in asks { _ = holder.close(request, now: now) }
            let queued = holder
            holder.urgent = Fifo()
            holder.patient = Fifo()
            holders[holder.link] = holder
            for (request, ask) in asks {
                act(.send(holder.link, .cancel(request: request)))
                reassign(ask, holder.link, request, isTried: true, now: now)
            }
            reassignQueued(queued, now: now)
        }
        if isChanged { fillAll(now: now) }
    }

    private mutating func reassign(
        _ ask: Ask, _ link: LinkID, _ request: UInt32, isTried: Bool, now: Instant
    ) {
        let device = isTried ? holders[link]?.device : nil
        if ask.isManifest {
            guard case .asked(link, request)? = manifests[ask.content]?.phase else { return }
            if let device { manifests[ask.content]?.tried.insert(device) }
            advanceManifest(ask.content, now: now)
        }
        for chunk in ask.inOrder {
            fail(chunk.reference.id, link, request, device, isBusy: false, now: now)
        }
    }

    private mutating func reassignQueued(_ holder: Holder, now: Instant) {
        var holder = holder
        for id in holder.urgent.popAll() + holder.patient.popAll() {
            if case .queued(holder.link)? = chunks[id]?.phase { advance(id, now: now) }
        }
    }

    // MARK: Chunks

    mutating func want(_ source: ChunkSource, _ waiter: WaiterID, _ asker: Asker) {
        guard var job = chunks[source.want.chunk.id] else {
            lookUp(source.want.chunk.id, ChunkJob(sources: [source], waiters: [waiter: asker]))
            return
        }
        if case .keeping(let chunk) = job.phase, asker != .store {
            act(.answer(waiter, .chunk(chunk)))
            return
        }
        let wasPatient = job.isPatient
        job.waiters[waiter] = asker
        if !job.sources.contains(where: { $0.content == source.content }) { job.sources.append(source) }
        chunks[source.want.chunk.id] = job
        if case .queued(let link) = job.phase, wasPatient, asker != .store {
            holders[link]?.urgent.append(source.want.chunk.id)
        }
    }

    private mutating func lookUp(_ id: ChunkID, _ job: ChunkJob) {
        var job = job
        job.phase = .lookingUp
        job.releases = releases
        chunks[id] = job
        if lookUps.isEmpty { act(.lookUp) }
        lookUps.append(id)
    }

    /// The waiter wants the chunk no more.
    mutating func cancel(_ waiter: WaiterID, chunk id: ChunkID, now: Instant) {
        guard var job = chunks[id], job.waiters.removeValue(forKey: waiter) != nil else { return }
        act(.answer(waiter, .cancelled))
        if case .keeping = job.phase {
            chunks[id] = job
            return
        }
        guard job.waiters.isEmpty else {
            chunks[id] = job
            return
        }
        chunks[id] = nil
        guard case .asked(let link, let request) = job.phase else { return }
        giveUp(link, request, now: now)
    }

    /// Takes a request back once nobody wants any of its chunks.
    private mutating func giveUp(_ link: LinkID, _ request: UInt32, now: Instant) {
        holders[link]?.asks[request]?.unwanted += 1
        guard let ask = holders[link]?.asks[request], ask.unwanted >= ask.chunks.count else { return }
        _ = holders[link]?.close(request, now: now)
        act(.send(link, .cancel(request: request)))
        fill(link, now: now)
    }

    /// The chunks that are to be looked up in the index, at most so many; answered by `lookedUp`.
    mutating func takeLookUps(limit: Int) -> [ChunkID] {
        let taken = Array(lookUps.prefix(limit))
        lookUps.removeFirst(taken.count)
        return taken
    }

    mutating func lookedUp(_ ids: [ChunkID], stored: Set<ChunkID>, now: Instant) {
        for id in ids {
            guard let job = chunks[id], case .lookingUp = job.phase else { continue }
            if stored.contains(id) {
                finish(id, job, .stored)
            } else {
                advance(id, now: now)
            }
        }
        fillAll(now: now)
    }

    /// What the holder was asked for under these numbers; nil if it was not asked or is not any more.
    func expected(_ link: LinkID, _ request: UInt32, index: UInt32) -> AskedChunk? {
        holders[link]?.asks[request]?.chunks[index]
    }

    /// A chunk came and was verified.
    mutating func arrived(
        _ link: LinkID, _ request: UInt32, index: UInt32, _ chunk: EncodedChunk, now: Instant
    ) {
        guard let asked = holders[link]?.settle(request, index: index, isDelivered: true, now: now)
        else { return }
        let id = asked.reference.id
        if let job = chunks[id] { take(chunk, id, job) }
        fill(link, now: now)
    }

    private mutating func take(_ chunk: EncodedChunk, _ id: ChunkID, _ job: ChunkJob) {
        var job = job
        if case .keeping = job.phase { return }
        for (waiter, asker) in job.waiters where asker != .store {
            act(.answer(waiter, .chunk(chunk)))
            job.waiters[waiter] = nil
        }
        let needed = UInt64(chunk.bytes.count + keepingBytes)
        guard needed <= roomBytes ?? .max, job.hasStore || keepingBytes < limits.longestKeepingBytes else {
            finish(id, job, .notKept)
            return
        }
        job.phase = .keeping(chunk)
        chunks[id] = job
        keepingBytes += chunk.bytes.count
        act(.keep(id, chunk))
    }

    /// The chunk lies in the store (`isKept`), or there was no room for it.
    mutating func settled(_ ids: [ChunkID], isKept: Bool, now: Instant) {
        let wasFull = isStoreFull
        for id in ids {
            guard let job = chunks[id], case .keeping(let chunk) = job.phase else { continue }
            keepingBytes -= chunk.bytes.count
            finish(id, job, isKept ? .stored : .notKept)
        }
        if wasFull, !isStoreFull { fillAll(now: now) }
    }

    /// Whether so much waits to be stored that no more is asked for: what could not be stored would have to
    /// come a second time.
    var isStoreFull: Bool { keepingBytes >= limits.keepingBytes }

    /// The holder cannot give a chunk (nil: nothing that is left of the request), or gave other bytes.
    mutating func refused(
        _ link: LinkID, _ request: UInt32, index: UInt32?, isBusy: Bool, now: Instant
    ) {
        guard let device = holders[link]?.device else { return }
        if let index {
            guard
                let asked = holders[link]?.settle(request, index: index, isDelivered: false, now: now)
            else { return }
            fail(asked.reference.id, link, request, device, isBusy: isBusy, now: now)
        } else {
            guard let ask = holders[link]?.close(request, now: now) else { return }
            if ask.isManifest, case .asked(link, request)? = manifests[ask.content]?.phase {
                failManifest(ask.content, device, isBusy: isBusy, now: now)
            }
            for chunk in ask.inOrder {
                fail(chunk.reference.id, link, request, device, isBusy: isBusy, now: now)
            }
        }
        fillAll(now: now)
    }

    /// The difference that came makes another chunk: the holder, or another one, is asked for it as it is.
    mutating func mistold(_ link: LinkID, _ request: UInt32, index: UInt32, now: Instant) {
        guard let asked = holders[link]?.settle(request, index: index, isDelivered: false, now: now)
        else { return }
        let id = asked.reference.id
        if var job = chunks[id] {
            for place in job.sources.indices { job.sources[place].base = nil }
            chunks[id] = job
        }
        fail(id, link, request, nil, isBusy: false, now: now)
        fillAll(now: now)
    }

    /// `device`: who is not to be asked again.
    private mutating func fail(
        _ id: ChunkID, _ link: LinkID, _ request: UInt32, _ device: DeviceID?, isBusy: Bool, now: Instant
    ) {
        guard var job = chunks[id], case .asked(link, request) = job.phase else { return }
        if let device { job.tried.insert(device) }
        job.isBusy = job.isBusy || isBusy
        chunks[id] = job
        advance(id, now: now)
    }

    /// Chooses whom to ask next.
    private mutating func advance(_ id: ChunkID, now: Instant) {
        guard var job = chunks[id] else { return }
        while let source = job.sources.first {
            if let link = holders.next(
                authors: source.authors, tried: job.tried, askers: job.askers, now: now)
            {
                job.phase = .queued(link)
                chunks[id] = job
                if job.isPatient {
                    holders[link]?.patient.append(id)
                } else {
                    holders[link]?.urgent.append(id)
                }
                return
            }
            job.sources.removeFirst()
            if !job.sources.isEmpty { job.tried = [] }
        }
        guard job.releases == releases else { return lookUp(id, job) }
        finish(id, job, .nobody(Nobody(isBusy: job.isBusy, arrivals: arrivals)))
    }

    private mutating func finish(_ id: ChunkID, _ job: ChunkJob, _ outcome: ChunkOutcome) {
        chunks[id] = nil
        for waiter in job.waiters.keys { act(.answer(waiter, outcome)) }
    }
}
