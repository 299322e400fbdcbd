// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// One chunk of a request that was sent to a holder.
struct AskedChunk: Hashable {
    var reference: ChunkReference
    var isPatient: Bool
    /// What the holder was told of.
    var base: KnownChunk?
}

/// A request that was sent to a holder, without what was answered already.
struct Ask {
    var content: ContentID
    /// The chunks that were asked for, by their index; none in a request for the chunk list.
    var chunks: [UInt32: AskedChunk] = [:]
    /// Whether the chunk list was asked for, not chunks.
    var isManifest = false
    /// The list in terms of which it may be told.
    var known: KnownManifest?
    /// What came of the chunk list.
    var parts: [ChunkReference] = []
    /// When an answer came last.
    var progress: Instant
    /// What the holder may deliver of other requests before this one has its turn again, counted in
    /// `Holder.deliveredBytes`.
    var turn: UInt64 = 0
    /// How many of the chunks nobody wants any more.
    var unwanted = 0

    init(chunksOf content: ContentID, _ chunks: [UInt32: AskedChunk], now: Instant) {
        self.content = content
        self.chunks = chunks
        progress = now
    }

    init(manifestOf content: ContentID, known: KnownManifest?, now: Instant) {
        self.content = content
        self.known = known
        isManifest = true
        progress = now
    }

    /// The chunks in the order of their indexes.
    var inOrder: [AskedChunk] { chunks.sorted { $0.key < $1.key }.map(\.value) }
}

/// A device that is online and can be asked for contents.
struct Holder {
    let link: LinkID
    let device: DeviceID
    var asks: [UInt32: Ask] = [:]
    /// Chunks to ask for, for devices that wait.
    var urgent = Fifo<ChunkID>()
    /// Chunks to ask for, for the store.
    var patient = Fifo<ChunkID>()
    var askedBytes = 0
    var patientBytes = 0
    /// When anything was heard of the holder last that is part of a chunk or an answer.
    var progress: Instant
    var stalledUntil: Instant
    /// What it delivered of what it was asked for, since it came online.
    private(set) var deliveredBytes: UInt64 = 0
    private var pace: HolderPace
    private var lastRequest: UInt32 = 0

    init(link: LinkID, device: DeviceID, limitBytes: Int, now: Instant) {
        self.link = link
        self.device = device
        progress = now
        stalledUntil = now
        pace = HolderPace(limitBytes: limitBytes, now: now)
    }

    /// The most bytes that it is to be asked for at a time.
    var windowBytes: Int { pace.windowBytes }

    /// Notes a request as sent, and returns its number.
    mutating func open(_ ask: Ask) -> UInt32 {
        if asks.isEmpty {
            progress = ask.progress
            pace.begin(ask.progress)
        }
        repeat { lastRequest &+= 1 } while asks[lastRequest] != nil
        for chunk in ask.chunks.values { count(chunk, 1) }
        asks[lastRequest] = ask
        noteTurn(of: lastRequest)
        return lastRequest
    }

    /// Takes one chunk off a request; nil if it was not asked for. `isDelivered`: it came.
    mutating func settle(
        _ request: UInt32, index: UInt32, isDelivered: Bool, now: Instant
    ) -> AskedChunk? {
        guard let chunk = asks[request]?.chunks.removeValue(forKey: index) else { return nil }
        progress = now
        count(chunk, -1)
        if isDelivered {
            deliveredBytes += UInt64(chunk.reference.sizeBytes)
            pace.noteDelivered(Int(chunk.reference.sizeBytes), now)
        }
        if asks[request]?.chunks.isEmpty == true {
            asks[request] = nil
        } else {
            asks[request]?.progress = now
            noteTurn(of: request)
        }
        return chunk
    }

    /// A part of a chunk list came.
    mutating func add(_ part: [ChunkReference], to request: UInt32, now: Instant) {
        asks[request]?.parts.append(contentsOf: part)
        asks[request]?.progress = now
        noteTurn(of: request)
        progress = now
    }

    /// A holder gives its requests turns: each has its next one before twice of all that was asked for is
    /// delivered, and a chunk more for the turn that is under way.
    private mutating func noteTurn(of request: UInt32) {
        asks[request]?.turn = deliveredBytes + UInt64(2 * askedBytes + ContentLimits.chunkBytes)
    }

    /// Whether the holder says nothing though it was asked, or passes over one of the requests. How long it
    /// takes for the others is no reason: it may be slow.
    func isStalled(_ limits: ExchangeLimits, now: Instant) -> Bool {
        guard !asks.isEmpty else { return false }
        if progress + limits.stallMilliseconds < now { return true }
        return asks.values.contains {
            $0.progress + 3 * limits.stallMilliseconds < now && deliveredBytes > $0.turn
        }
    }

    /// Takes back a whole request; nil if there is none of that number.
    mutating func close(_ request: UInt32, now: Instant) -> Ask? {
        guard let ask = asks.removeValue(forKey: request) else { return nil }
        progress = now
        for chunk in ask.chunks.values { count(chunk, -1) }
        return ask
    }

    private mutating func count(_ chunk: AskedChunk, _ sign: Int) {
        askedBytes += sign * Int(chunk.reference.sizeBytes)
        if chunk.isPatient { patientBytes += sign * Int(chunk.reference.sizeBytes) }
    }
}

/// The devices of a share that are online and can be asked for contents.
struct HolderTable {
    private var holders: [LinkID: Holder] = [:]
    private var links: [DeviceID: LinkID] = [:]

    subscript(link: LinkID) -> Holder? {
        get { holders[link] }
        _modify { yield &holders[link] }
    }

    var all: [Holder] { holders.values.sorted { $0.link < $1.link } }

    mutating func attach(_ link: LinkID, _ device: DeviceID, limitBytes: Int, now: Instant) {
        holders[link] = Holder(link: link, device: device, limitBytes: limitBytes, now: now)
        links[device] = link
    }

    /// Takes a holder out, so that it is changed in place; to be put back.
    mutating func take(_ link: LinkID) -> Holder? { holders.removeValue(forKey: link) }

    mutating func put(_ holder: Holder) { holders[holder.link] = holder }

    mutating func detach(_ link: LinkID) -> Holder? {
        guard let holder = holders.removeValue(forKey: link) else { return nil }
        if links[holder.device] == link { links[holder.device] = nil }
        return holder
    }

    /// Whom to ask next: an author, else any device; those who ask themselves only for each other.
    func next(
        authors: [DeviceID], tried: Set<DeviceID>, askers: Set<DeviceID>, now: Instant
    ) -> LinkID? {
        func best(_ isAllowed: (DeviceID) -> Bool) -> LinkID? {
            func canBeAsked(_ link: LinkID?) -> LinkID? {
                guard let link, let holder = holders[link], !tried.contains(holder.device),
                    isAllowed(holder.device), holder.stalledUntil <= now
                else { return nil }
                return link
            }
            for author in authors {
                if let link = canBeAsked(links[author]) { return link }
            }
            return links.values.compactMap(canBeAsked).min()
        }
        if let link = best({ !askers.contains($0) }) { return link }
        return askers.count > 1 ? best { askers.contains($0) } : nil
    }
}
