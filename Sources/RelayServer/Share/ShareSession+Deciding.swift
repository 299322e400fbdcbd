// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage
import RelayWire

// What came in is decided, in one transaction after the other.

extension ShareSession {
    /// What is decided in one transaction.
    struct Group {
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

    /// Decides all that came in together.
    func process(_ inputs: [SessionInput], _ open: OpenShare) throws(StateError) {
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
    func decide(_ group: Group, _ open: OpenShare) throws(StateError) -> StateError? {
        guard !group.inputs.isEmpty || group.mustSaveApplied else { return nil }
        let batches = group.batches.map(\.batch)
        // The chunks are brought on disk while the batches are decided, and are there before the commit,
        // which says that they are stored.
        let storing = try beginStoring(batches, open)
        var stored: [(ChunkID, ChunkLocation)]?
        let mustSave = group.writes && held == nil
        let effects: [HubEffect]
        do throws(StateError) {
            effects = try open.transaction {
                for batch in batches {
                    for (content, manifest) in batch.manifests {
                        try open.index.putManifest(manifest, for: content)
                    }
                }
                if mustSave { try applied.save(to: open.index) }
                let effects = try open.engine.receive(group.inputs)
                let locations = finish(storing)
                stored = locations
                try open.index.putLocations(locations)
                if !batches.isEmpty { Failpoint.commitOpen.reach() }
                return effects
            }
        } catch {
            let stored = stored ?? finish(storing)
            guard group.writes, !error.isDamaged else { throw error }
            open.engine.rollBack()
            for (chunk, location) in stored { unrecorded[chunk] = location }
            return error
        }
        if !batches.isEmpty { Failpoint.commitUnwitnessed.reach() }
        if group.writes { try open.noteHead() }
        if !batches.isEmpty { Failpoint.committed.reach() }
        if mustSave {
            if applied.hasUnsaved { Failpoint.appliedSaved.reach() }
            applied.noteSaved()
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
            applied.note(link.device, revision)
        case .ping(let id, let number):
            if links[id] != nil { group.inputs.append(.pinged(id, number)) }
        case .drained(let id):
            if links[id] != nil { group.inputs.append(.drained(id)) }
        case .dismissed(let device, let refusal): dismiss(device, refusal, &group)
        case .retry: group.isRetry = true
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
            if case .changes = message { Failpoint.pageSent.reach() }
        case .acquire(let content, let sizeBytes, _):
            if limitBytes != 0 {
                acquisitions.add(Acquisition(content: content, sizeBytes: sizeBytes, isNew: true))
            }
        }
    }
}
