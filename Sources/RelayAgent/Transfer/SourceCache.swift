// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayFolder
import Synchronization

/// A file of the folder that is open to be read from.
final class OpenSource: Sendable {
    let file: SourceFile
    let path: RelativePath
    let sizeBytes: UInt64
    /// The content's chunk list, if it is known.
    let manifest: Manifest?

    init(file: SourceFile, path: RelativePath, sizeBytes: UInt64, manifest: Manifest?) {
        self.file = file
        self.path = path
        self.sizeBytes = sizeBytes
        self.manifest = manifest
    }

    deinit { file.close() }
}

/// What was found where a content is said to be.
enum SourceLookup: Sendable {
    case open(OpenSource)
    /// No file is known to hold the content.
    case notHeld
    /// The file is not what it was; it is looked at again.
    case changed
}

/// Finds the files that hold wanted contents, and keeps a few of them open.
final class SourceCache: Sendable {
    private struct State {
        /// The most recently used one last.
        var sources: [Kept] = []
    }
    private struct Kept {
        let content: ContentID
        let source: OpenSource
        var lastUse = ContinuousClock.now
    }
    private let folder: SharedFolder
    private let pool: BlockingPool
    private let locate: @Sendable (ContentID) async -> LocalSource?
    private let onChange: @Sendable (RelativePath) -> Void
    private let state = Mutex(State())

    /// `locate` says where a content is; `onChange` is told paths of files that are not what they were.
    init(
        folder: SharedFolder, pool: BlockingPool,
        locate: @escaping @Sendable (ContentID) async -> LocalSource?,
        onChange: @escaping @Sendable (RelativePath) -> Void
    ) {
        self.folder = folder
        self.pool = pool
        self.locate = locate
        self.onChange = onChange
    }

    /// A file that held the content when it was last looked at.
    func source(of content: ContentID) async -> SourceLookup {
        if let known = take(content) { return .open(known) }
        guard let location = await find(content) else { return .notHeld }
        guard let file = await open(location) else {
            onChange(location.path)
            return .changed
        }
        let source = OpenSource(
            file: file, path: location.path, sizeBytes: location.fingerprint.sizeBytes,
            manifest: location.manifest)
        keep(source, for: content)
        return .open(source)
    }

    /// Where the process has no descriptor left, those that are kept here are given up first.
    private func open(_ location: LocalSource) async -> SourceFile? {
        let folder = folder
        return await pool.run { [self] in
            do throws(Problem) {
                return try folder.openSource(location.path, expecting: location.fingerprint)
            } catch {
                guard error.cause == .tooManyOpen else { return nil }
                removeAll()
                return try? folder.openSource(location.path, expecting: location.fingerprint)
            }
        }
    }

    /// A file that is being moved or looked at anew is nowhere for a moment.
    private func find(_ content: ContentID) async -> LocalSource? {
        for _ in 0..<Self.looks {
            if let location = await locate(content) { return location }
            guard !Task.isCancelled else { return nil }
            await pause(.milliseconds(100))
        }
        return await locate(content)
    }

    private static let looks = 4

    /// Keeps the file open no longer; `isChanged`: it holds something else by now.
    func drop(_ content: ContentID, isChanged: Bool) {
        let source = state.withLock { state -> OpenSource? in
            guard let index = state.sources.firstIndex(where: { $0.content == content }) else { return nil }
            return state.sources.remove(at: index).source
        }
        if isChanged, let source { onChange(source.path) }
    }

    /// Keeps nothing open.
    func removeAll() { state.withLock { $0.sources = [] } }

    /// Whether nothing is kept open.
    var isEmpty: Bool { state.withLock { $0.sources.isEmpty } }

    /// Keeps nothing open that was not used for a while: a file that is removed gives its room back only once
    /// it is closed. To be called now and then.
    func removeIdle() {
        let limit = ContinuousClock.now - TransferLimits.idleSource
        state.withLock { $0.sources.removeAll { $0.lastUse < limit } }
    }

    private func take(_ content: ContentID) -> OpenSource? {
        state.withLock { state in
            guard let index = state.sources.firstIndex(where: { $0.content == content }) else { return nil }
            var found = state.sources.remove(at: index)
            found.lastUse = .now
            state.sources.append(found)
            return found.source
        }
    }

    private func keep(_ source: OpenSource, for content: ContentID) {
        state.withLock { state in
            state.sources.removeAll { $0.content == content }
            state.sources.append(Kept(content: content, source: source))
            if state.sources.count > TransferLimits.openSources { state.sources.removeFirst() }
        }
    }
}
