// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// Gets a content's chunk list from the hub and verifies it.
struct ManifestFetch {
    let tools: FetchTools
    let payload: FilePayload
    /// A chunk list that is here, in terms of which the other may be told.
    let known: KnownManifest?
    let inbox: BulkInbox
    /// Is told the devices that the hub waits for, and nil when it waits no more.
    let onWaiting: @Sendable ([String]?) async -> Void

    /// Asks, again after a lost connection, until the whole list is here.
    func run() async throws(FetchStop) -> ChunkLayout {
        var attempts = 0
        var known = known
        while true {
            guard await tools.exchange.waitUntilConnected() else { throw .cancelled }
            let (content, named) = (payload.content, known?.content)
            guard
                let request = tools.exchange.ask(
                    inbox: inbox, { .wantManifest(request: $0, content: content, known: named) })
            else {
                await pause(.milliseconds(10))
                continue
            }
            var answer: Answer
            do {
                answer = try await receive(request, known)
            } catch {
                tools.exchange.cancel(request)
                throw error
            }
            if case .manifest(let manifest) = answer {
                tools.exchange.close(request)
                let payload = payload
                if let layout = await tools.pool.run({ ChunkLayout(manifest, of: payload) }) { return layout }
                answer = .wrong
            }
            tools.exchange.cancel(request)
            switch answer {
            case .manifest, .lost: break
            case .wrong:
                // Perhaps the list that it was told in terms of is another one there.
                known = nil
                attempts += 1
                guard attempts < TransferLimits.attempts else { throw .badContent(payload.content) }
            case .unavailable(let reason):
                attempts += 1
                guard reason == .busy, attempts < TransferLimits.attempts else { throw .unavailable }
                await pause(.milliseconds(250 << min(attempts, 4)))
            }
        }
    }

    private enum Answer {
        case manifest(Manifest)
        case unavailable(UnavailableReason)
        case wrong
        case lost
    }

    private func receive(
        _ request: UInt32, _ known: KnownManifest?
    ) async throws(FetchStop) -> Answer {
        var known = known
        var chunks: [ChunkReference] = []
        var isWaiting = false
        while true {
            guard let answers = try await tools.exchange.nextAnswers(of: inbox, isWaiting: isWaiting) else {
                return .lost
            }
            for answer in answers {
                switch answer {
                case .manifest(request, let first, let total, let part):
                    guard append(part[...], first, total, to: &chunks) else { return .wrong }
                    if isWaiting { await onWaiting(nil) }
                    isWaiting = false
                    if chunks.count == Int(total) { return .manifest(Manifest(chunks)) }
                case .manifestCopy(request, let first, let total, let start, let count):
                    guard let part = known?.take(from: start, count: count),
                        append(part, first, total, to: &chunks)
                    else { return .wrong }
                    if isWaiting { await onWaiting(nil) }
                    isWaiting = false
                    if chunks.count == Int(total) { return .manifest(Manifest(chunks)) }
                case .unavailable(request, _, let reason): return .unavailable(reason)
                case .waiting(request, let devices):
                    isWaiting = true
                    await onWaiting(devices)
                case .lost(let requests) where requests.contains(request):
                    if isWaiting { await onWaiting(nil) }
                    return .lost
                case .chunk(_, _, let chunk, _): tools.exchange.arrivals.giveBack(chunk.bytes.count)
                default: break
                }
            }
        }
    }

    /// False if the part does not fit.
    private func append(
        _ part: ArraySlice<ChunkReference>, _ first: UInt32, _ total: UInt32,
        to chunks: inout [ChunkReference]
    ) -> Bool {
        guard Int(first) == chunks.count, Int(total) <= ContentLimits.manifestChunks,
            UInt64(total) <= payload.sizeBytes, part.count <= Int(total) - chunks.count,
            !part.isEmpty || total == 0
        else { return false }
        chunks.append(contentsOf: part)
        return true
    }
}

extension BulkExchange {
    /// The next answers; nil when the inbox ended. A hub that says nothing at all is a problem, if it has not
    /// said that it waits for somebody: as long as others get something, the turn of this one comes.
    func nextAnswers(
        of inbox: BulkInbox, isWaiting: Bool, stallSeconds: Double = TransferLimits.stallSeconds
    ) async throws(FetchStop) -> [BulkAnswer]? {
        if isWaiting {
            let answers = await inbox.takeAll()
            if Task.isCancelled { throw .cancelled }
            return answers
        }
        while true {
            let before = heard
            let next = await withDeadline(seconds: stallSeconds) { () -> NextAnswers? in
                if let answers = await inbox.takeAll() { return .answers(answers) }
                return Task.isCancelled ? nil : .end
            }
            if Task.isCancelled { throw .cancelled }
            switch next {
            case .answers(let answers)?: return answers
            case .end?: return nil
            case nil where heard == before:
                throw .problem(Problem(.other, "cannot fetch content: the hub does not answer"))
            case nil: continue
            }
        }
    }
}

private enum NextAnswers: Sendable {
    case answers([BulkAnswer])
    /// The inbox has ended.
    case end
}
