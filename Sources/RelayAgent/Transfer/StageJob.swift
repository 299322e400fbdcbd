// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayFolder

/// Brings one content into the folder's staging area: from the change itself, from files of the folder, and
/// for the rest from the hub.
struct StageJob: Sendable {
    let request: StageRequest
    let tools: FetchTools
    /// Places for those who fetch from the hub at the same time.
    let places: Permits
    /// Is told the devices that the hub waits for, and nil when it waits no more.
    let onWaiting: @Sendable ([String]?) async -> Void

    private var payload: FilePayload { request.payload }

    func run() async -> StageOutcome? {
        defer { tools.progress.remove(payload.content) }
        do throws(FetchStop) {
            if try await stageDirectly() { return .ready(nil) }
            guard await places.take(1) else { return nil }
            let place = PlaceHolder(places)
            defer { place.leave() }
            let onWaiting = onWaiting
            let layout = try await stageFile { devices in
                // Who waits for a device takes nobody's place.
                if devices != nil { place.leave() }
                await onWaiting(devices)
            }
            return .ready(layout.map { Manifest($0.chunks) })
        } catch {
            switch error {
            case .cancelled: return nil
            case .problem(let problem):
                if problem.cause == .noSpace { await giveBackRoom() }
                return .failed(problem)
            case .unavailable:
                return .failed(
                    Problem(.unavailable, "cannot fetch its content: no device that is online has it"))
            }
        }
    }

    /// What a file that does not fit has on disk already is room for others.
    private func giveBackRoom() async {
        let (folder, request) = (tools.folder, request)
        await tools.pool.run { folder.unstage(node: request.node, content: request.payload.content) }
    }

    /// Content that is empty or came with the change. False if there is more to do.
    private func stageDirectly() async throws(FetchStop) -> Bool {
        guard request.isSelfContained else { return false }
        let (folder, request) = (tools.folder, request)
        return try await blocking { () throws(Problem) in
            let carried = request.inline.map { CarriedContent.chunk($0) } ?? .empty
            // What came with the change may be another content.
            guard let bytes = carried.bytes(of: request.payload) else { return false }
            try folder.stageWhole(node: request.node, request.payload, bytes)
            return true
        }
    }

    /// Returns the chunks, if they had to be known.
    private func stageFile(
        onWaiting: @escaping @Sendable ([String]?) async -> Void
    ) async throws(FetchStop) -> ChunkLayout? {
        let inbox = BulkInbox()
        defer { tools.exchange.discard(inbox) }
        let (folder, request, payload) = (tools.folder, request, payload)
        let twin = await openTwin()
        defer { twin?.close() }
        var layout: ChunkLayout?
        if let manifest = request.manifest {
            layout = await tools.pool.run { ChunkLayout(manifest, of: payload) }
        }
        if layout == nil, twin == nil { layout = try await fetchLayout(inbox, onWaiting) }
        // How much room it takes is in the list of its chunks.
        let dataBytes = layout?.dataBytes ?? twin?.allocatedBytes
        let file = try await blocking { () throws(Problem) in
            try folder.stage(
                node: request.node, content: payload.content, sizeBytes: payload.sizeBytes,
                dataBytes: dataBytes)
        }
        defer { file.close() }
        let copying = LocalCopying(tools: tools, payload: payload, file: file)
        try await blocking { () throws(Problem) in try file.extend(to: payload.sizeBytes) }
        if let twin, try await copying.copyTwin(twin, layout) {
            try await blocking { () throws(Problem) in try file.finish(payload) }
            return layout
        }
        let known: ChunkLayout
        if let layout { known = layout } else { known = try await fetchLayout(inbox, onWaiting) }
        let missing = try await copying.findMissing(known)
        let plan = LocalPlan(known, missing: missing, previous: request.previous)
        var former: SourceFile?
        if let previous = request.previous, !plan.bases.isEmpty {
            former = await LocalCopying.open(previous, tools)
        }
        defer { former?.close() }
        var fetch = ChunkFetch(
            tools: tools, payload: payload, layout: known,
            bases: KnownChunks(plan, in: former, pool: tools.pool), file: file, inbox: inbox,
            onWaiting: onWaiting)
        // What is here is copied while the rest is on its way.
        async let copied = copying.copyPrevious(plan, known)
        try await fetch.run(plan.remote)
        try await fetch.run(await copied)
        try await blocking { () throws(Problem) in try file.finish(payload) }
        return known
    }

    /// A file of the folder that is said to have the very content.
    private func openTwin() async -> SourceFile? {
        guard let twin = request.twin, twin.fingerprint.sizeBytes == payload.sizeBytes else { return nil }
        return await LocalCopying.open(twin, tools)
    }

    private func fetchLayout(
        _ inbox: BulkInbox, _ onWaiting: @escaping @Sendable ([String]?) async -> Void
    ) async throws(FetchStop) -> ChunkLayout {
        let previous = request.previous?.manifest
        let known = await tools.pool.run {
            previous.map { KnownManifest(content: Hashing.contentID(of: $0), manifest: $0) }
        }
        return try await ManifestFetch(
            tools: tools, payload: payload, known: known, inbox: inbox, onWaiting: onWaiting
        ).run()
    }

    private func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(Problem) -> Value
    ) async throws(FetchStop) -> Value {
        do throws(Problem) {
            return try await tools.pool.run(body)
        } catch { throw .problem(error) }
    }
}

extension StageRequest {
    /// Whether nothing has to be fetched: the content is empty, or came with the change.
    var isSelfContained: Bool { payload.sizeBytes == 0 || inline != nil }
}
