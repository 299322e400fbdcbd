// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// From wanted contents to staged files.

extension AgentEngine {
    /// Sees to it that the content is brought into the staging area.
    func stage(_ id: NodeID, _ payload: FilePayload) {
        if let staging = stagings[id] {
            if staging.payload == payload { return }
            unstage(id)
        }
        stagings[id] = Staging(payload: payload, progress: .queued)
        stageQueue.insert(id)
    }

    /// The content, if it came with the change and nothing else was begun to get it.
    func carriedContent(of id: NodeID, _ payload: FilePayload) -> CarriedContent? {
        guard stagings[id] == nil else { return nil }
        if payload.sizeBytes == 0 { return .empty }
        return feedOffers[payload.content]?.inline.map { .chunk($0) }
    }

    /// Whether the content waits in the staging area.
    func isStaged(_ id: NodeID, _ payload: FilePayload) -> Bool {
        guard let staging = stagings[id] else { return false }
        return staging.payload == payload && staging.progress == .ready
    }

    /// Whether nobody who is online has the content.
    func isUnavailable(_ id: NodeID) -> Bool {
        if case .waiting? = stagings[id]?.progress { true } else { false }
    }

    func unstage(_ id: NodeID) {
        guard let staging = stagings.removeValue(forKey: id) else { return }
        stageQueue.remove(id)
        stageRetries[id] = nil
        if staging.progress == .requested { stagingsUnderWay -= 1 }
        if staging.progress != .queued {
            effects.append(.unstage(node: id, content: staging.payload.content))
        }
    }

    /// The staged file was placed.
    func consumeStaging(_ id: NodeID) {
        stagings[id] = nil
        stageRetries[id] = nil
    }

    func startStagings() throws(StateError) {
        guard isConsistent else { return }
        while stagingsUnderWay < EngineLimits.stagings, let id = stageQueue.popFirst() {
            guard let staging = stagings[id], staging.progress == .queued else { continue }
            stagings[id]?.progress = .requested
            stageRetries[id] = nil
            stagingsUnderWay += 1
            effects.append(.stage(try stageRequest(id, staging.payload)))
        }
    }

    private func stageRequest(_ id: NodeID, _ payload: FilePayload) throws(StateError) -> StageRequest {
        let offer = feedOffers[payload.content]
        var twin: LocalSource?
        if offer?.inline == nil, let other = try replica.localNode(content: payload.content) {
            twin = try source(other, manifest: nil)
        }
        var previous: LocalSource?
        if twin == nil, offer?.inline == nil,
            let content = try replica.node(id)?.local?.payload?.content,
            let manifest = try replica.manifest(content)
        {
            previous = try source(id, manifest: manifest)
        }
        var manifest = offer?.manifest
        if manifest == nil, offer?.inline == nil { manifest = try replica.manifest(payload.content) }
        return StageRequest(
            node: id, payload: payload, manifest: manifest, inline: offer?.inline, twin: twin,
            previous: previous)
    }

    private func source(_ id: NodeID, manifest: Manifest?) throws(StateError) -> LocalSource? {
        guard !applyingNodes.contains(id), let local = try replica.node(id)?.local,
            let path = try localPath(id)
        else { return nil }
        return LocalSource(path: path, fingerprint: local.fingerprint, manifest: manifest)
    }

    func staged(_ id: NodeID, _ content: ContentID, _ outcome: StageOutcome) throws(StateError) {
        guard let staging = stagings[id], staging.payload.content == content,
            staging.progress != .queued
        else { return }
        if staging.progress == .requested { stagingsUnderWay -= 1 }
        switch outcome {
        case .ready(let manifest):
            // The next version is fetched in terms of this one.
            if let manifest, manifest.chunks.count > 1 { try replica.putManifest(manifest, for: content) }
            stagings[id]?.progress = .ready
            stageRetries[id] = nil
            feedOffers.remove(content)
            problems[id] = nil
            dirty.insert(id)
        case .unavailable(let devices):
            stagings[id]?.progress = .waiting(for: devices)
            stageRetries[id] = now + EngineLimits.stagingRetryMilliseconds
            problems[id] = .only(on: devices)
            dirty.insert(id)
        case .failed(let problem):
            stagings[id]?.progress = .failed(problem)
            stagings[id]?.failures += 1
            stageRetries[id] = now + Self.delay(after: staging.failures + 1, problem)
            problems[id] = Reason(problem)
        }
    }

    private static func delay(after failures: Int, _ problem: Problem) -> Int64 {
        let isFull = problem.cause == .noSpace
        return min(
            EngineLimits.failedStagingMilliseconds << Int64(min(failures - 1, 10)),
            isFull ? EngineLimits.lastFullDiskMilliseconds : EngineLimits.lastFailedStagingMilliseconds)
    }

    /// Asks again for everything that could not be had.
    func retryStagings() {
        for id in stageRetries.keys.sorted() { retryStaging(id) }
    }

    func retryStaging(_ id: NodeID) {
        switch stagings[id]?.progress {
        case .waiting, .failed:
            stagings[id]?.progress = .queued
            stageRetries[id] = nil
            stageQueue.insert(id)
        case .queued, .requested, .ready, nil: break
        }
    }

    /// A file in the folder that holds this content, to serve it to others.
    package func locate(_ content: ContentID) throws(StateError) -> LocalSource? {
        var node = try replica.localNode(content: content)
        if node == nil { node = try distrustedNode(content) }
        guard let node else { return nil }
        return try source(node, manifest: replica.manifest(content))
    }

    /// A file that cannot be trusted, is read again and again, and had this content the last time.
    private func distrustedNode(_ content: ContentID) throws(StateError) -> NodeID? {
        for (id, retry) in readRetries where retry.attempts >= EngineLimits.busyReads {
            if try replica.node(id)?.local?.payload?.content == content { return id }
        }
        return nil
    }
}
