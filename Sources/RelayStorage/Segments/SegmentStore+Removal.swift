// SPDX-License-Identifier: Apache-2.0

package import RelayCore
import Synchronization

// Segments go of which nothing is needed any more.

extension SegmentStore {
    /// Whether the segment is the one that is appended to.
    package func isActive(_ segment: UInt32) -> Bool { state.withLock { $0.active?.number == segment } }

    /// Appends no more to this segment.
    package func seal(_ segment: UInt32) {
        state.withLock { state in
            if state.active?.number == segment { state.active = nil }
        }
    }

    /// Lets a segment go that somebody removed.
    package func letGo(_ segment: UInt32) { state.withLock { $0.opened.drop(segment) } }

    /// Removes a segment that is sealed, and of which all is on disk elsewhere that is needed. Who reads from
    /// it reads on.
    package func remove(_ segment: UInt32) throws(StateError) {
        guard !isActive(segment) else {
            throw StateError("cannot remove segment \(filePath(segment)): it is in use")
        }
        let file = try file(segment)
        let size = try file.sizeBytes()
        guard file.remove() else { throw StateError("cannot remove segment \(filePath(segment))") }
        state.withLock { state in
            state.opened.drop(segment)
            state.unsynced[segment] = nil
            state.used -= min(state.used, size)
        }
    }
}
