// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension ExchangeMachine {
    mutating func fillAll(now: Instant) {
        for holder in holders.all where !holder.urgent.isEmpty || !holder.patient.isEmpty {
            fill(holder.link, now: now)
        }
    }

    /// Asks the holder for more, when enough was answered that it is worth a request.
    mutating func fill(_ link: LinkID, now: Instant) {
        guard !isStoreFull, let window = holders[link]?.windowBytes,
            holders[link]?.askedBytes ?? .max <= window * 3 / 4, var holder = holders.take(link)
        else { return }
        let patientBytes = min(limits.patientBytes, window)
        var picked = Picked(isPatient: false, budgetBytes: window - holder.askedBytes)
        pick(&picked, from: &holder.urgent, link)
        ask(&holder, picked, now: now)
        if holder.urgent.isEmpty, holder.patientBytes <= patientBytes / 2,
            holder.askedBytes <= window / 2
        {
            picked = Picked(isPatient: true, budgetBytes: patientBytes - holder.patientBytes)
            pick(&picked, from: &holder.patient, link)
            ask(&holder, picked, now: now)
        }
        holders.put(holder)
    }

    /// Chunks that are asked for next, by content.
    private struct Picked {
        let isPatient: Bool
        var budgetBytes: Int
        var sources: [ContentID: [ChunkSource]] = [:]
    }

    /// Takes chunks that are still queued for this holder and of this urgency.
    private func pick(_ picked: inout Picked, from queue: inout Fifo<ChunkID>, _ link: LinkID) {
        while picked.budgetBytes > 0, let id = queue.popFirst() {
            guard let job = chunks[id], case .queued(link) = job.phase, let source = job.sources.first,
                job.isPatient || !picked.isPatient
            else { continue }
            picked.sources[source.content, default: []].append(source)
            picked.budgetBytes -= Int(source.want.chunk.sizeBytes)
        }
    }

    private mutating func ask(_ holder: inout Holder, _ picked: Picked, now: Instant) {
        for content in picked.sources.keys.sorted() {
            var rest = (picked.sources[content] ?? [])[...]
            while !rest.isEmpty {
                let part = rest.prefix(ChunkWant.limit)
                rest = rest.dropFirst(ChunkWant.limit)
                ask(&holder, content, Array(part), isPatient: picked.isPatient, now: now)
            }
        }
    }

    private mutating func ask(
        _ holder: inout Holder, _ content: ContentID, _ sources: [ChunkSource], isPatient: Bool, now: Instant
    ) {
        var asked: [UInt32: AskedChunk] = [:]
        var wants: [ChunkWant] = []
        var signatures = 0
        for source in sources {
            if source.base != nil { signatures += 1 }
            let base = signatures <= ChunkWant.limitSignatures ? source.base : nil
            var want = source.want
            want.signature = base?.signature ?? []
            wants.append(want)
            asked[want.index] = AskedChunk(reference: want.chunk, isPatient: isPatient, base: base)
        }
        let request = holder.open(Ask(chunksOf: content, asked, now: now))
        for want in wants { chunks[want.chunk.id]?.phase = .asked(holder.link, request: request) }
        act(.send(holder.link, .wantChunks(request: request, content: content, wants: wants)))
    }

    // MARK: Chunk lists

    mutating func wantManifest(
        _ content: ContentID, authors: [DeviceID], knowing known: KnownManifest? = nil, _ waiter: WaiterID,
        _ asker: Asker, now: Instant
    ) {
        guard manifests[content] == nil else {
            manifests[content]?.waiters[waiter] = asker
            return
        }
        manifests[content] = ManifestJob(authors: authors, known: known, waiters: [waiter: asker])
        advanceManifest(content, now: now)
    }

    /// The waiter wants the chunk list no more.
    mutating func cancel(_ waiter: WaiterID, manifest content: ContentID, now: Instant) {
        guard var job = manifests[content], job.waiters.removeValue(forKey: waiter) != nil else { return }
        act(.answerManifest(waiter, .cancelled))
        manifests[content] = job
        guard job.waiters.isEmpty, case .asked(let link, let request)? = job.phase else { return }
        manifests[content] = nil
        if holders[link]?.close(request, now: now) != nil { act(.send(link, .cancel(request: request))) }
    }

    mutating func advanceManifest(_ content: ContentID, now: Instant) {
        guard var job = manifests[content] else { return }
        let askers = Set(job.waiters.values.compactMap(\.device))
        guard
            let link = holders.next(authors: job.authors, tried: job.tried, askers: askers, now: now),
            let request = holders[link]?.open(Ask(manifestOf: content, known: job.known, now: now))
        else {
            finishManifest(content, .nobody(Nobody(isBusy: job.isBusy, arrivals: arrivals)))
            return
        }
        job.phase = .asked(link, request: request)
        manifests[content] = job
        act(.send(link, .wantManifest(request: request, content: content, known: job.known?.content)))
    }

    /// Takes in a part of a chunk list. The whole list is returned once it is there: to be verified and put
    /// into the index, and then told by `manifestKept` or `manifestWrong`.
    mutating func manifestPart(
        _ link: LinkID, _ request: UInt32, first: UInt32, total: UInt32, _ told: ManifestPart, now: Instant
    ) -> (ContentID, Manifest)? {
        guard let holder = holders[link], let ask = holder.asks[request], ask.isManifest else { return nil }
        let part: [ChunkReference] =
            switch told {
            case .chunks(let chunks): chunks
            case .copy(let start, let count):
                Array(holders[link]?.asks[request]?.known?.take(from: start, count: count) ?? [])
            }
        let count = ask.parts.count + part.count
        guard Int(first) == ask.parts.count, Int(total) <= ContentLimits.manifestChunks,
            count <= Int(total), !part.isEmpty || total == 0,
            part.allSatisfy({ $0.sizeBytes > 0 && Int($0.sizeBytes) <= ContentLimits.chunkBytes })
        else {
            refused(link, request, index: nil, isBusy: false, now: now)
            return nil
        }
        let (device, content) = (holder.device, ask.content)
        holders[link]?.add(part, to: request, now: now)
        guard count == Int(total), let whole = holders[link]?.close(request, now: now),
            case .asked(link, request)? = manifests[content]?.phase
        else { return nil }
        manifests[content]?.phase = .keeping(device)
        return (content, Manifest(whole.parts))
    }

    mutating func manifestKept(_ content: ContentID, _ manifest: Manifest) {
        finishManifest(content, .manifest(manifest))
    }

    /// The chunk list was another content's.
    mutating func manifestWrong(_ content: ContentID, now: Instant) {
        guard case .keeping(let device)? = manifests[content]?.phase else { return }
        // Perhaps the list that it was told in terms of is another one there.
        manifests[content]?.known = nil
        failManifest(content, device, isBusy: false, now: now)
    }

    mutating func failManifest(_ content: ContentID, _ device: DeviceID, isBusy: Bool, now: Instant) {
        guard var job = manifests[content] else { return }
        job.tried.insert(device)
        job.isBusy = job.isBusy || isBusy
        job.phase = nil
        manifests[content] = job
        advanceManifest(content, now: now)
    }

    private mutating func finishManifest(_ content: ContentID, _ outcome: ManifestOutcome) {
        guard let job = manifests.removeValue(forKey: content) else { return }
        for waiter in job.waiters.keys { act(.answerManifest(waiter, outcome)) }
    }
}
