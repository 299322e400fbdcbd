// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayFolder
import RelayStorage

// Contents in and out, for a person or a script.

extension FolderRun {
    /// What a path of the share holds, and where its bytes may be had without the hub.
    private struct Wanted: Sendable {
        var payload: FilePayload
        var local: LocalSource?
        var manifest: Manifest?
    }

    private enum Lookup: Sendable {
        case file(Wanted)
        case other(String)
        /// A file of the folder alone, whose content is not known yet.
        case unread
        case unknown
    }

    /// Hands the bytes over in order; every chunk is verified before it is handed over.
    nonisolated func read(
        _ path: RelativePath, onWaiting: @escaping @Sendable ([String]?) async -> Void,
        into sink: @Sendable (FilePayload, [UInt8]) async throws -> Void
    ) async throws(ControlError) {
        // It may be what somebody put into the folder a moment ago, or what the hub is about to tell.
        let sight = await waitUntilSeen(path)
        var found = await lookUp(path)
        if case .unknown? = found, await hearEverything() { found = await lookUp(path) }
        if case .unread? = found {
            _ = await wait { run in
                found = await run.lookUp(path)
                if case .unread? = found { return false }
                return true
            }
        }
        switch found {
        case nil, .unread: throw .failed(ended.value ?? "the folder was closed")
        case .unknown:
            switch sight {
            case .leftOut: throw Self.leftOut(path)
            case .unclear(let error): throw error
            case .nothing, .seen, .unseen, nil: throw .notFound("no file \(path) in the share")
            }
        case .other(let text): throw .usage(text)
        case .file(let wanted):
            if wanted.payload.sizeBytes == 0 { return try await hand([], of: wanted.payload, to: sink) }
            if try await readLocally(wanted, into: sink) { return }
            try await readStaged(wanted, onWaiting: onWaiting, into: sink)
        }
    }

    private func lookUp(_ path: RelativePath) -> Lookup? {
        look { engine, replica in
            let id = try replica.remoteNode(at: path) ?? replica.localNode(at: path)
            guard let id, id != .root, let node = try replica.node(id) else { return .unknown }
            guard let payload = node.isChangedHereOnly ? node.local?.payload : node.remote?.state?.payload
            else { return node.local == nil ? .unknown : .unread }
            switch payload {
            case .directory: return .other("\(path) is a directory")
            case .symlink(let target): return .other("\(path) is a symbolic link to \(displayText(target))")
            case .file(let file):
                return .file(
                    Wanted(
                        payload: file, local: try engine.locate(file.content),
                        manifest: try replica.manifest(file.content)))
            }
        }
    }

    private nonisolated func hand(
        _ bytes: [UInt8], of payload: FilePayload,
        to sink: @Sendable (FilePayload, [UInt8]) async throws -> Void
    ) async throws(ControlError) {
        do {
            try await sink(payload, bytes)
        } catch {
            throw .failed("cannot hand over the content: \(error)")
        }
    }

    /// False if the folder does not have the content after all, and nothing was handed over.
    private nonisolated func readLocally(
        _ wanted: Wanted, into sink: @Sendable (FilePayload, [UInt8]) async throws -> Void
    ) async throws(ControlError) -> Bool {
        guard let location = wanted.local else { return false }
        let (folder, pool) = (parts.folder, parts.pool)
        let known = wanted.manifest
        let file = await pool.run {
            try? folder.openSource(location.path, expecting: location.fingerprint)
        }
        guard let file else { return false }
        defer { file.close() }
        let payload = wanted.payload
        let layout: ChunkLayout? = await pool.run {
            // A content without a known chunk list is one chunk.
            if let known { return ChunkLayout(known, of: payload) }
            guard payload.sizeBytes <= UInt64(ContentLimits.chunkBytes),
                let bytes = try? file.read(at: 0, count: Int(payload.sizeBytes))
            else { return nil }
            let chunk = ChunkReference(id: Hashing.chunkID(of: bytes), sizeBytes: UInt32(bytes.count))
            return ChunkLayout(Manifest([chunk]), of: payload)
        }
        guard let layout else { return false }
        for index in layout.chunks.indices {
            let (chunk, offset) = (layout.chunks[index], layout.offsets[index])
            let bytes: [UInt8]? = await pool.run {
                guard let bytes = try? file.read(at: offset, count: Int(chunk.sizeBytes)),
                    Hashing.chunkID(of: bytes) == chunk.id
                else { return nil }
                return bytes
            }
            guard let bytes else {
                guard index > 0 else { return false }
                throw .failed("\(location.path) changed while it was read")
            }
            try await hand(bytes, of: payload, to: sink)
        }
        return true
    }

    /// Brings the content beside the folder, and hands it over from there.
    private nonisolated func readStaged(
        _ wanted: Wanted, onWaiting: @escaping @Sendable ([String]?) async -> Void,
        into sink: @Sendable (FilePayload, [UInt8]) async throws -> Void
    ) async throws(ControlError) {
        let node = NodeID.random()
        let payload = wanted.payload
        let request = StageRequest(
            node: node, payload: payload, manifest: wanted.manifest, inline: nil, twin: nil, previous: nil)
        let (folder, pool) = (parts.folder, parts.pool)
        let outcome = await parts.fetcher.fetch(request, onWaiting: onWaiting)
        defer { pool.submit { folder.unstage(node: node, content: payload.content) } }
        switch outcome {
        case nil: throw .failed(ended.value ?? "the fetch was cancelled")
        case .failed(let problem): throw .failed("\(problem)")
        case .unavailable(let devices): throw .notInSync(Self.onlyOn(devices, "its content"))
        case .ready: break
        }
        let file: StageFile
        do throws(Problem) {
            file = try await pool.run { () throws(Problem) in
                try folder.stage(node: node, content: payload.content, sizeBytes: payload.sizeBytes)
            }
        } catch {
            throw .failed("\(error)")
        }
        defer { file.close() }
        var start: UInt64 = 0
        while start < payload.sizeBytes {
            let (at, count) = (start, Int(min(payload.sizeBytes - start, 1 << 20)))
            let bytes: [UInt8]? = await pool.run { try? file.read(at: at, count: count) }
            guard let bytes, bytes.count == count else { throw .failed("cannot read the fetched content") }
            try await hand(bytes, of: payload, to: sink)
            start += UInt64(count)
        }
    }

    static nonisolated func onlyOn(_ devices: [String], _ what: String) -> String {
        devices.isEmpty
            ? "\(what) is on no device that is online"
            : "\(what) is only on \(devices.joined(separator: ", ")), not online now"
    }

    // Into the folder.

    /// Puts bytes at a path of the folder as a person's save would.
    nonisolated func upload(
        _ path: RelativePath, mode: PermissionBits, modified: Timestamp?,
        from source: @Sendable () async throws -> [UInt8]?
    ) async throws(ControlError) {
        try Self.check(path)
        let node = NodeID.random()
        // The content is not known yet; the name is only for the stage.
        let content = ContentID(
            Bytes32(node.raw.high, node.raw.low, .random(in: .min ... .max), .random(in: .min ... .max)))
        try await doInFolder { folder throws(Problem) in try folder.makeDirectories(path.parent) }
        let file = try await doInFolder { folder throws(Problem) in
            try folder.stage(node: node, content: content, sizeBytes: 0)
        }
        defer {
            file.close()
            let folder = parts.folder
            parts.pool.submit { folder.unstage(node: node, content: content) }
        }
        try await fill(file, from: source)
        try await doInFolder { folder throws(Problem) in
            try folder.adoptUpload(file, at: path, mode: mode, modified: modified)
        }
        hint(at: path)
    }

    private nonisolated func fill(
        _ file: StageFile, from source: @Sendable () async throws -> [UInt8]?
    ) async throws(ControlError) {
        var end: UInt64 = 0
        while true {
            let bytes: [UInt8]?
            do {
                bytes = try await source()
            } catch {
                throw .failed("the upload broke off: \(error)")
            }
            guard let bytes else { return }
            let at = end
            try await doInFolder { _ throws(Problem) in try file.write(bytes, at: at) }
            end += UInt64(bytes.count)
        }
    }

    nonisolated func makeDirectory(_ path: RelativePath) async throws(ControlError) {
        try Self.check(path)
        try await doInFolder { folder throws(Problem) in try folder.makeDirectories(path) }
        hint(at: path)
    }

    /// Removes what the folder or the share has at a path.
    nonisolated func delete(_ path: RelativePath) async throws(ControlError) {
        try Self.check(path)
        guard let (isRemote, isKnown) = await knows(path) else {
            throw .failed(ended.value ?? "the folder was closed")
        }
        let isLocal = try await entry(at: path) != nil
        guard isRemote || isKnown || isLocal else { throw .notFound("nothing at \(path) in the share") }
        if isLocal {
            try await doInFolder { folder throws(Problem) in try folder.removeTree(path) }
            hint(at: path)
        }
        if isRemote { post(.remove(path)) }
    }

    /// Whether the share, and whether the folder as last seen, has something at a path.
    private func knows(_ path: RelativePath) -> (isRemote: Bool, isKnown: Bool)? {
        look { _, replica in
            (try replica.remoteNode(at: path) != nil, try replica.localNode(at: path) != nil)
        }
    }

    private nonisolated func entry(at path: RelativePath) async throws(ControlError) -> FoundEntry? {
        switch await lookInFolder(path) {
        case .entry(_, let entry): return entry
        case .absent: return nil
        case .failed(let problem): throw .failed("\(problem)")
        case .directory, nil: throw .failed(ended.value ?? "the folder was closed")
        }
    }

    private nonisolated func lookInFolder(_ path: RelativePath) async -> ScanOutcome? {
        await parts.lane.run { $0.scan([.entry(path)]) }?.first?.outcome
    }

    /// What the engine knows of what the folder has at a path.
    enum Sight: Sendable {
        /// Nothing is there.
        case nothing
        /// The folder's rules leave it out.
        case leftOut
        case seen
        /// It knows nothing of it yet, or this former state.
        case unseen(Fingerprint?)
        /// The folder cannot be looked at there.
        case unclear(ControlError)
    }

    /// By a look of its own; nil when the run is over.
    nonisolated func sight(of path: RelativePath) async -> Sight? {
        let entry: FoundEntry
        switch await lookInFolder(path) {
        case .entry(_, let found?): entry = found
        case .entry(_, nil), .absent: return .nothing
        case .failed(let problem): return .unclear(.failed("\(problem)"))
        case .directory, nil: return nil
        }
        return await look { engine, replica in
            if !engine.areRulesUncertain, engine.ignores(path, isDirectory: entry.kind == .directory) {
                return .leftOut
            }
            guard let id = try replica.localNode(at: path), let local = try replica.node(id)?.local else {
                return .unseen(nil)
            }
            return entry.kind != .file || local.fingerprint == entry.fingerprint
                ? .seen : .unseen(local.fingerprint)
        }
    }

    /// Returns once the engine has seen what the folder had at a path at the call; nil when the run is over.
    private nonisolated func waitUntilSeen(_ path: RelativePath) async -> Sight? {
        var sight: Sight?
        var former: Fingerprint??
        let isDone = await wait { run in
            sight = await run.sight(of: path)
            guard case .unseen(let known)? = sight else { return sight != nil }
            // What is written on and on is seen once it was looked at.
            if let former { return known != former }
            former = .some(known)
            run.hint(at: path)
            return false
        }
        return isDone ? sight : nil
    }

    static nonisolated func leftOut(_ path: RelativePath) -> ControlError {
        .refused("\(path) is left out of this folder by \(EntryName.relayIgnore)")
    }

    /// Tells the engine to look at a path, and at those directories above it that it does not know.
    nonisolated func hint(at path: RelativePath) {
        var hints: [Hint] = []
        for depth in 1...max(1, path.components.count) {
            hints.append(.entry(RelativePath(Array(path.components.prefix(depth))), writing: false))
        }
        post(.hints(hints))
    }

    private nonisolated func doInFolder<Value: Sendable>(
        _ body: @escaping @Sendable (SharedFolder) throws(Problem) -> Value
    ) async throws(ControlError) -> Value {
        let folder = parts.folder
        do throws(Problem) {
            return try await parts.pool.run { () throws(Problem) in
                do throws(FolderError) {
                    try folder.verifyRoot()
                } catch {
                    throw Problem(.other, "\(error)")
                }
                return try body(folder)
            }
        } catch {
            throw .failed("\(error)")
        }
    }

    private static nonisolated func check(_ path: RelativePath) throws(ControlError) {
        if path.isRoot { throw .usage("the share's root itself cannot be meant") }
        if path.components.first == .relayDirectory { throw .refused("the name .relay is reserved") }
    }
}

extension NodeID {
    /// A new node's identity.
    static func random() -> NodeID {
        NodeID(high: .random(in: .min ... .max) | 1 << 63, low: .random(in: .min ... .max))
    }
}

extension ReplicaNode {
    /// Whether the folder's content is news to the share, which has none or the one that was agreed on.
    fileprivate var isChangedHereOnly: Bool {
        guard let state = remote?.state else { return true }
        guard let local, let base, state.payloadRevision == base.payloadRevision else { return false }
        return local.payload?.content != base.payload.content
    }
}
