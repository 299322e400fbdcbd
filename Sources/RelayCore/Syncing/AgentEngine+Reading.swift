// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// From changed files to contents.

extension AgentEngine {
    func requestRead(_ id: NodeID) {
        if reading[id] == nil, !largeReadQueue.contains(id) { readQueue.insert(id) }
    }

    func startReads() throws(StateError) {
        // Contents that nobody waits for any more must not keep others from being read.
        if offers.isFull, proposal == nil, candidates.isEmpty { offers.removeAll() }
        var requests: [ReadRequest] = []
        while reading.count < EngineLimits.reads, readingBytes < EngineLimits.readingBytes,
            !isConnected || offers.bytes + readingBytes < offers.limitBytes, let id = nextToRead()
        {
            guard reading[id] == nil, !applyingNodes.contains(id),
                let node = try replica.node(id), let local = node.local, local.kind == .file,
                local.payload == nil || !local.isTrusted, let path = try localPath(id)
            else { continue }
            let isLarge = local.fingerprint.sizeBytes >= EngineLimits.largeFileBytes
            if isLarge {
                guard largeReads.count < EngineLimits.largeReads else {
                    largeReadQueue.insert(id)
                    continue
                }
                largeReads.insert(id)
            }
            let bytes = Int(min(local.fingerprint.sizeBytes, UInt64(ContentLimits.inlineBytes)))
            reading[id] = bytes
            readingBytes += bytes
            let isInsisting = (readRetries[id]?.attempts ?? 0) >= EngineLimits.busyReads
            requests.append(
                ReadRequest(
                    node: id, path: path, isInsisting: isInsisting, isLarge: isLarge,
                    former: try formerChunks(of: node)))
        }
        if !requests.isEmpty { effects.append(.read(requests)) }
    }

    /// The chunks of what the file held before, or as agent and hub last agreed, if they were cut here: where
    /// others cut is not taken on trust, since it would be carried on.
    private func formerChunks(of node: ReplicaNode) throws(StateError) -> Manifest? {
        guard let local = node.local, local.fingerprint.sizeBytes >= EngineLimits.comparedFileBytes,
            let content = local.payload?.content ?? node.base?.payload.content, cutHere.contains(content)
        else { return nil }
        return try replica.manifest(content)
    }

    /// Large files wait apart, so that small ones are not kept waiting by them.
    private func nextToRead() -> NodeID? {
        if largeReads.count < EngineLimits.largeReads, let id = largeReadQueue.popFirst() { return id }
        return readQueue.popFirst()
    }

    func took(_ result: ReadResult) throws(StateError) {
        guard let bytes = reading.removeValue(forKey: result.node) else { return }
        readingBytes -= bytes
        largeReads.remove(result.node)
        let isOvertaken = overtakenReads.remove(result.node) != nil
        guard let node = try replica.node(result.node), let local = node.local, local.kind == .file,
            !applyingNodes.contains(result.node)
        else {
            requestRead(result.node)
            return
        }
        guard try localPath(node.id) == result.path else {
            requestRead(node.id)
            return
        }
        switch result.outcome {
        case .content(_, let fingerprint, _) where isOvertaken && fingerprint != local.fingerprint:
            requestRead(node.id)
        case .content(let description, let fingerprint, let isTrusted):
            try took(description, fingerprint, isTrusted, node, local)
        case .absent: scans.insert(entry: local.placement)
        case .busy:
            readLater(node.id, first: 50)
            problems[node.id] = Self.beingWritten
            try put(node)
        case .failed(let problem):
            readLater(node.id, first: 1000)
            problems[node.id] = Reason(problem)
            try put(node)
        }
    }

    /// A file that was to be read was read where it was found.
    func took(_ reading: ReadOutcome, at target: ScanTask.Target) throws(StateError) {
        guard case .entry(let placement) = target,
            case .content(let description, let fingerprint, let isTrusted) = reading,
            let id = try replica.localChild(placement), readQueue.contains(id),
            !applyingNodes.contains(id), !offers.isFull,
            let node = try replica.node(id), let local = node.local, local.fingerprint == fingerprint
        else { return }
        readQueue.remove(id)
        try took(description, fingerprint, isTrusted, node, local)
    }

    /// Whether a file that a program may change without a trace did so since the last reading: it is taken
    /// once it stayed the same for a while, or after the longest time that a write may take.
    private func isUnsteady(
        _ id: NodeID, _ local: LocalState, _ content: ContentID, _ fingerprint: Fingerprint
    ) -> Bool {
        guard let attempts = readRetries[id]?.attempts, attempts >= EngineLimits.busyReads,
            local.payload?.content != content
        else {
            drafts[id] = nil
            return false
        }
        let former = drafts.removeValue(forKey: id)
        let since = former?.since ?? now
        if let former, former.content == content, former.fingerprint == fingerprint { return false }
        if since + EngineLimits.longestWriteMilliseconds <= now { return false }
        drafts[id] = ReadDraft(content: content, fingerprint: fingerprint, since: since)
        readRetries[id] = Retry(due: now + EngineLimits.quietMilliseconds, attempts: EngineLimits.busyReads)
        problems[id] = Self.beingWritten
        return true
    }

    private func took(
        _ description: ContentDescription, _ fingerprint: Fingerprint, _ isTrusted: Bool,
        _ node: ReplicaNode, _ local: LocalState
    ) throws(StateError) {
        if !isTrusted, isUnsteady(node.id, local, description.content, fingerprint) {
            try put(node)
            return
        }
        var node = node
        var local = local
        let payload = FilePayload(
            content: recordedContent(description.content, of: node, as: fingerprint),
            sizeBytes: description.sizeBytes, mode: fingerprint.permissions, modified: fingerprint.modified)
        let isSame = local.payload == .file(payload) && local.fingerprint == fingerprint
        local.payload = .file(payload)
        local.fingerprint = fingerprint
        local.isTrusted = isTrusted || SeededBug.trustsYoungStamps.isMade
        node.local = local
        try judgeLoss(&node)
        try judgeLossBeforeSharing(node)
        if node.base != nil, node.base?.payload.content != description.content { noteSave(of: node.id) }
        if description.manifest.chunks.count > 1 {
            try replica.putManifest(description.manifest, for: description.content)
        }
        if description.sizeBytes >= EngineLimits.comparedFileBytes { cutHere.insert(description.content) }
        if node.remote?.state?.payload.content != description.content { offer(description) }
        clearTrouble(node.id)
        drafts[node.id] = nil
        readRetries[node.id] = local.isTrusted ? nil : nextReading(of: node.id, isSame: isSame)
        if let retry = readRetries[node.id], retry.attempts >= EngineLimits.busyReads {
            problems[node.id] = Self.beingWritten
        }
        try putAndPlan(node)
    }

    /// What cannot be trusted is read again: soon at first, and ever later while it stays the same.
    private func nextReading(of id: NodeID, isSame: Bool) -> Retry {
        let former = readRetries[id]?.attempts ?? 0
        let attempts = isSame ? former + 1 : min(former, EngineLimits.busyReads)
        let delay = min(
            EngineLimits.distrustMilliseconds << Int64(min(attempts, 16)),
            EngineLimits.lastDistrustMilliseconds)
        let isSteady = isSame && attempts >= EngineLimits.steadyReadings
        return Retry(due: now + delay, attempts: attempts, isSteady: isSteady)
    }

    private func offer(_ description: ContentDescription) {
        let isShort = description.manifest.chunks.count <= ContentLimits.inlineChunks
        guard isShort, description.sizeBytes > 0 else { return }
        let offer = ContentOffer(
            content: description.content, manifest: description.manifest, inline: description.inline)
        offers.insert(offer)
        announce(offer)
    }

    private func readLater(_ id: NodeID, first: Int64) {
        let attempts = (readRetries[id]?.attempts ?? 0) + 1
        let delay = min(first << Int64(min(attempts - 1, 10)), 10_000)
        readRetries[id] = Retry(due: now + delay, attempts: attempts)
    }
}

/// A content that was read from a file that a program may be changing.
struct ReadDraft {
    var content: ContentID
    var fingerprint: Fingerprint
    /// When the first one was read that has not been taken.
    var since: Instant
}
