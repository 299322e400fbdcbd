// SPDX-License-Identifier: Apache-2.0

import Dispatch
package import RelayCore
import Synchronization

/// A hub's chunks of one share in append-only files of up to 256 MiB, which describe themselves well enough
/// that the index of what lies where can be made again from them.
///
/// Safe to use from several threads at once. What was appended is on disk when a later `sync` has returned.
package final class SegmentStore: Sendable {
    let directory: SegmentDirectory
    private let limitBytes: UInt64?
    let state: Mutex<State>
    /// Where is synced what nobody waits for at once.
    let syncQueue = DispatchQueue(label: "relay.segments.sync")
    /// Held while syncing, so that whoever finds nothing left to sync knows that it is on disk.
    let syncing = Mutex<Void>(())

    /// What changes, in one lock.
    struct State {
        /// The segment that is appended to; nil when the next append begins one.
        var active: SegmentFile?
        /// Where the active segment's next record goes.
        var end: UInt64 = 0
        var lastNumber: UInt32?
        var used: UInt64 = 0
        /// Files with bytes that are perhaps not on disk yet, by number.
        var unsynced: [UInt32: Unsynced] = [:]
        var isDirectoryUnsynced = false
        var opened = OpenSegments()
        /// How often a sync failed, and with it took back what others had appended.
        var failedSyncs: UInt64 = 0
        var scratch: [UInt8] = []
        var recent: Recent?
    }

    /// What was appended in the last minute or two.
    struct Recent {
        /// When the end of the store was at `mark`, and where it was a minute or more before.
        var markedAt: ContinuousClock.Instant
        var mark: ChunkPlace
        var before: ChunkPlace
    }

    /// A file that is to be synced, and how much of it surely is on disk already.
    struct Unsynced {
        var file: SegmentFile
        var syncedBytes: UInt64
    }

    /// The most bytes that are gathered for one write.
    private static let writeBytes = 4 << 20

    /// Opens the store in this directory; makes the directory if it is not there.
    ///
    /// A torn write at the end of the last segment is cut off. `limitBytes` bounds the size of all segments
    /// together (nil: no bound, 0: nothing is kept). `known` is where all ends that is known to be stored: a
    /// segment that is shorter is left as it is, and the number of one that is gone is not used again.
    /// Throws when another program uses the store.
    package init(directory path: String, limitBytes: UInt64?, known: ChunkPlace? = nil) throws(StateError) {
        directory = try SegmentDirectory(path)
        self.limitBytes = limitBytes
        state = Mutex(try Self.open(directory, known))
    }

    private static func open(
        _ directory: SegmentDirectory, _ known: ChunkPlace?
    ) throws(StateError) -> State {
        var state = State()
        let numbers = try directory.numbers()
        for number in numbers {
            let file = try SegmentFile(opening: directory.filePath(number), number: number)
            var size = try file.sizeBytes()
            if number == numbers.last {
                let knownEnd = known.flatMap { $0.segment == number ? $0.offset : nil } ?? 0
                if (known?.segment ?? 0) <= number {
                    size = try reopen(file, size: size, knownEnd: knownEnd, in: &state)
                }
            }
            state.used += size
        }
        state.lastNumber = max(numbers.last, known?.segment)
        return state
    }

    private static func max(_ left: UInt32?, _ right: UInt32?) -> UInt32? {
        guard let left, let right else { return left ?? right }
        return Swift.max(left, right)
    }

    /// Makes the last segment the active one, unless it is damaged or lacks what is known to be in it;
    /// returns its size.
    private static func reopen(
        _ file: SegmentFile, size: UInt64, knownEnd: UInt64, in state: inout State
    ) throws(StateError) -> UInt64 {
        guard size >= knownEnd else { return size }
        if size < UInt64(SegmentFormat.headerBytes) {
            // Torn before it held anything.
            try file.truncate(to: 0)
            try file.write(SegmentFormat.header(number: file.number), at: 0)
            state.end = UInt64(SegmentFormat.headerBytes)
        } else {
            guard case .records(let end) = try tail(of: file), end >= knownEnd else { return size }
            if end < size { try file.truncate(to: end) }
            state.end = end
        }
        state.active = file
        state.opened.insert(file)
        // What was written before a crash may still not be on disk.
        state.unsynced[file.number] = Unsynced(file: file, syncedBytes: state.end)
        state.isDirectoryUnsynced = true
        return state.end
    }

    private static func tail(of file: SegmentFile) throws(StateError) -> SegmentScan.Tail {
        do throws(StateError) {
            return try SegmentScan(file).tail()
        } catch {
            guard error.isDamaged else { throw error }
            return .damaged
        }
    }

    /// Keeps no room in memory for what is to be written: for times of rest.
    package func releaseMemory() { state.withLock { $0.scratch = [] } }

    /// Where a segment's file is.
    package func filePath(_ segment: UInt32) -> String { directory.filePath(segment) }

    /// The size of all segments together.
    package var usedBytes: UInt64 { state.withLock { $0.used } }

    /// Appends chunks; returns where they lie, in order. Nil: there is no room under the limit, and nothing
    /// was written. `isMove`: they are in the store already, and are to give room back where they were: that
    /// is never refused for the limit.
    package func append(
        _ chunks: [(ChunkID, EncodedChunk)], isMove: Bool = false
    ) throws(StateError) -> [ChunkLocation]? {
        guard limitBytes != 0 else { return nil }
        for (id, chunk) in chunks {
            guard chunk.bytes.count <= ContentLimits.chunkBytes, chunk.sizeBytes <= ContentLimits.chunkBytes
            else { throw StateError("cannot store chunk \(id): it is larger than chunks are") }
        }
        return try state.withLock { state throws(StateError) in
            guard isMove || hasRoom(for: chunks, state) else { return nil }
            return try write(chunks, &state)
        }
    }

    /// Appends chunks and waits until they are on disk. Nil as from `append`; after an error none of them
    /// is stored.
    package func store(_ chunks: [(ChunkID, EncodedChunk)]) throws(StateError) -> [ChunkLocation]? {
        let before = failedSyncs
        guard let locations = try append(chunks) else { return nil }
        Failpoint.chunksAppended.reach()
        try sync()
        try requireNoFailedSync(since: before)
        return locations
    }

    /// Tries whether chunks of so many bytes could be stored, with zeros that are taken back.
    package func probe(bytes: Int) throws(StateError) {
        guard limitBytes != 0 else { return }
        let count = min(bytes, Self.writeBytes)
        try state.withLock { state throws(StateError) in
            if state.active == nil { try begin(&state) }
            guard let file = state.active else { return }
            if state.unsynced[file.number] == nil {
                state.unsynced[file.number] = Unsynced(file: file, syncedBytes: state.end)
            }
            do throws(StateError) {
                try file.write([UInt8](repeating: 0, count: count), at: state.end)
            } catch {
                undo(to: (file, state.end), &state)
                throw error
            }
        }
        try sync()
        state.withLock { state in
            if let file = state.active { undo(to: (file, state.end), &state) }
        }
    }

    private func hasRoom(for chunks: [(ChunkID, EncodedChunk)], _ state: State) -> Bool {
        guard let limitBytes else { return true }
        var needed: UInt64 = 0
        var end = state.active == nil ? SegmentFormat.limitBytes : state.end
        for (_, chunk) in chunks {
            let bytes = UInt64(SegmentRecord.headerBytes + chunk.bytes.count)
            if end + bytes > SegmentFormat.limitBytes {
                needed += UInt64(SegmentFormat.headerBytes)
                end = UInt64(SegmentFormat.headerBytes)
            }
            needed += bytes
            end += bytes
        }
        return state.used <= limitBytes && needed <= limitBytes - state.used
    }

    /// Writes the chunks; when that fails, the segment that was active before is as it was.
    private func write(
        _ chunks: [(ChunkID, EncodedChunk)], _ state: inout State
    ) throws(StateError) -> [ChunkLocation] {
        let before = (file: state.active, end: state.end)
        state.scratch.removeAll(keepingCapacity: true)
        markRecent(&state)
        var locations: [ChunkLocation] = []
        locations.reserveCapacity(chunks.count)
        do {
            for (id, chunk) in chunks { locations.append(try gather(id, chunk, &state)) }
            try flush(&state)
        } catch {
            state.scratch.removeAll()
            undo(to: before, &state)
            throw error
        }
        if state.scratch.capacity > 2 * Self.writeBytes { state.scratch = [] }
        return locations
    }

    private static let recentTime = Duration.seconds(60)

    private func markRecent(_ state: inout State) {
        let now = ContinuousClock.now
        let next = state.lastNumber.map { $0 &+ 1 } ?? 0
        let end = ChunkPlace(segment: state.active?.number ?? next, offset: state.end)
        guard let recent = state.recent, now - recent.markedAt < Self.recentTime * 2 else {
            state.recent = Recent(markedAt: now, mark: end, before: end)
            return
        }
        guard now - recent.markedAt >= Self.recentTime else { return }
        state.recent = Recent(markedAt: now, mark: end, before: recent.mark)
    }

    /// Whether the chunk was written here moments ago, so that it need not be read to know what it is.
    package func isRecent(_ location: ChunkLocation) -> Bool {
        state.withLock { state in
            guard let recent = state.recent, ContinuousClock.now - recent.markedAt < Self.recentTime * 2
            else { return false }
            let (place, first) = ((location.segment, location.offset), recent.before)
            return place >= (first.segment, first.offset)
        }
    }

    /// Adds a chunk to what is to be written, and writes when that is enough or the segment is full.
    private func gather(
        _ id: ChunkID, _ chunk: EncodedChunk, _ state: inout State
    ) throws(StateError) -> ChunkLocation {
        let bytes = UInt64(SegmentRecord.headerBytes + chunk.bytes.count)
        var offset = state.end + UInt64(state.scratch.count)
        if state.active == nil || offset + bytes > SegmentFormat.limitBytes {
            try flush(&state)
            try begin(&state)
            offset = state.end
        } else if state.scratch.count >= Self.writeBytes {
            try flush(&state)
        }
        SegmentRecord.append(id, chunk, to: &state.scratch)
        return ChunkLocation(
            segment: state.active?.number ?? 0, offset: offset, storedBytes: UInt32(chunk.bytes.count),
            sizeBytes: chunk.sizeBytes, encoding: chunk.encoding)
    }

    private func flush(_ state: inout State) throws(StateError) {
        guard let file = state.active, !state.scratch.isEmpty else { return }
        try file.write(state.scratch, at: state.end)
        if state.unsynced[file.number] == nil {
            state.unsynced[file.number] = Unsynced(file: file, syncedBytes: state.end)
        }
        state.end += UInt64(state.scratch.count)
        state.used += UInt64(state.scratch.count)
        state.scratch.removeAll(keepingCapacity: true)
    }

    /// Begins the next segment.
    private func begin(_ state: inout State) throws(StateError) {
        guard state.lastNumber != .max else {
            throw StateError("cannot make a segment in \(directory.path): there are too many")
        }
        let number = state.lastNumber.map { $0 + 1 } ?? 0
        let file = try SegmentFile(making: directory.filePath(number), number: number)
        Failpoint.segmentMade.reach()
        let header = UInt64(SegmentFormat.headerBytes)
        state.lastNumber = number
        state.active = file
        state.end = header
        state.used += header
        state.unsynced[file.number] = Unsynced(file: file, syncedBytes: header)
        state.isDirectoryUnsynced = true
        state.opened.insert(file)
    }

    /// Cuts off what a failed append left. Segments that it began stay, with nothing that is referred to.
    private func undo(to before: (file: SegmentFile?, end: UInt64), _ state: inout State) {
        do {
            if let active = state.active, active !== before.file {
                let header = UInt64(SegmentFormat.headerBytes)
                try active.truncate(to: header)
                state.used -= state.end - header
                state.end = header
            } else if let file = before.file {
                try file.truncate(to: before.end)
                state.used -= state.end - before.end
                state.end = before.end
            }
        } catch {
            // Nothing can be appended behind a tail that is not known.
            state.active = nil
        }
    }
}
