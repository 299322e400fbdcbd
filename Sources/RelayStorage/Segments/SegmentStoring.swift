// SPDX-License-Identifier: Apache-2.0

import Dispatch
package import RelayCore
import Synchronization

/// Chunks that were appended and are on their way to the disk, while whoever wants them there does something
/// else.
package final class SegmentStoring: Sendable {
    private enum Progress {
        /// Exits: `begun`, by whoever comes first.
        case waiting
        case begun
    }
    private let store: SegmentStore
    private let locations: [ChunkLocation]
    private let failedSyncsBefore: UInt64
    private let progress = Mutex(Progress.waiting)
    private let result = Mutex<Result<Void, StateError>?>(nil)
    private let isDone = DispatchSemaphore(value: 0)

    fileprivate init(_ store: SegmentStore, _ locations: [ChunkLocation], failedSyncsBefore: UInt64) {
        self.store = store
        self.locations = locations
        self.failedSyncsBefore = failedSyncsBefore
    }

    fileprivate func begin(on queue: DispatchQueue) {
        queue.async { [self] in
            guard mayBegin() else { return }
            sync()
            isDone.signal()
        }
    }

    private func mayBegin() -> Bool {
        progress.withLock { progress in
            defer { progress = .begun }
            return progress == .waiting
        }
    }

    private func sync() {
        let outcome: Result<Void, StateError>
        do throws(StateError) {
            try store.sync()
            try store.requireNoFailedSync(since: failedSyncsBefore)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        result.withLock { $0 = outcome }
    }

    /// Waits until the chunks are on disk; says where they lie. After an error none of them is stored. To be
    /// called once. Where no thread has begun with it, the caller's does it.
    package func finish() throws(StateError) -> [ChunkLocation] {
        if mayBegin() { sync() } else { isDone.wait() }
        try result.withLock { $0 }?.get()
        return locations
    }
}

extension SegmentStore {
    /// Appends chunks and begins to bring them on disk. Nil as from `append`.
    package func beginStoring(_ chunks: [(ChunkID, EncodedChunk)]) throws(StateError) -> SegmentStoring? {
        let before = failedSyncs
        guard let locations = try append(chunks) else { return nil }
        Failpoint.chunksAppended.reach()
        let storing = SegmentStoring(self, locations, failedSyncsBefore: before)
        storing.begin(on: syncQueue)
        return storing
    }

    /// A sync of another thread may have failed and taken back what was appended here as well.
    func requireNoFailedSync(since before: UInt64) throws(StateError) {
        guard failedSyncs == before else {
            throw StateError("cannot sync segments \(directory.path): a sync failed meanwhile")
        }
    }
}
