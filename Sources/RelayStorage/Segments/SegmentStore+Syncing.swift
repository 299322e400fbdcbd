// SPDX-License-Identifier: Apache-2.0

package import RelayCore
import Synchronization

// What was appended comes on disk, or is taken back.

extension SegmentStore {
    /// How often a sync failed, and with it took back what others had appended.
    package var failedSyncs: UInt64 { state.withLock { $0.failedSyncs } }

    /// Waits until all that was appended before the call is on disk.
    ///
    /// After a failure what was not on disk is discarded, and a new segment is begun: a second sync of the
    /// same file would tell nothing of bytes that the first one lost.
    package func sync() throws(StateError) {
        try syncing.withLock { _ throws(StateError) in try syncPending() }
    }

    private func syncPending() throws(StateError) {
        let pending: (files: [UInt32: Unsynced], directory: Bool) = state.withLock { state in
            defer {
                state.unsynced = [:]
                state.isDirectoryUnsynced = false
            }
            return (state.unsynced, state.isDirectoryUnsynced)
        }
        do throws(StateError) {
            for file in pending.files.values {
                try file.file.sync()
                guard file.file.hasName else {
                    throw StateError(
                        "cannot sync segment \(file.file.path): it was removed while it was in use")
                }
            }
            if pending.directory { try directory.sync() }
            let active = state.withLock { $0.active }
            for file in pending.files.values {
                file.file.givePagesBack(before: file.file === active ? file.syncedBytes : nil)
            }
        } catch {
            state.withLock { state in
                state.failedSyncs += 1
                state.active = nil
                state.isDirectoryUnsynced = state.isDirectoryUnsynced || pending.directory
                for file in pending.files.values { discardUnsynced(of: file, &state) }
            }
            throw error
        }
    }

    /// Cuts off what a failed sync left uncertain; a segment of which nothing was ever on disk goes.
    private func discardUnsynced(of unsynced: Unsynced, _ state: inout State) {
        let file = unsynced.file
        state.unsynced[file.number] = nil
        let size = (try? file.sizeBytes()) ?? unsynced.syncedBytes
        var kept = unsynced.syncedBytes
        if kept <= UInt64(SegmentFormat.headerBytes), file.number == state.lastNumber,
            file.remove()
        {
            state.opened.drop(file.number)
            state.lastNumber = file.number == 0 ? nil : file.number - 1
            kept = 0
        } else {
            try? file.truncate(to: kept)
        }
        state.used -= min(state.used, size - min(size, kept))
    }
}
