// SPDX-License-Identifier: Apache-2.0

package import RelayCore

// Chunks and chunk lists that nothing refers to any more: they are marked, and go when the mark is due.
//
// A mark says that no version that is retained has this content, or a content with this chunk. Whatever makes
// such a version, or tells of the chunk list of a content, takes the marks off in the same transaction: a
// chunk whose mark is there when it is due is referred to by nothing. Marks are made of what a pass through
// all contents finds. What is referred to anew during the pass is taken off in the same way.

/// What a pass through all contents has found so far.
struct Collecting {
    /// Chunks that may be marked; nil while no pass is made.
    var chunks: Set<ChunkID>?
    /// Contents that no version has that is retained.
    var contents: Set<ContentID> = []
    /// Whether there may be marks.
    var hasMarks = false
}

extension SQLiteShareIndex {
    // MARK: Age

    /// Adds to the share's age, in milliseconds, and notes which revision it has reached. Returns the age.
    ///
    /// The age is time that somebody has seen go by, so that no clock that is wrong makes anything older.
    package func advance(byMilliseconds elapsed: Int64) throws(StateError) -> Int64 {
        let age = try number(Self.ageKey) + max(0, elapsed)
        try setNumber(Self.ageKey, age)
        let last = try statement(.lastMoment).first { row in Revision(row.bits(0)) }
        if last != head.revision {
            let put = try statement(.putMoment)
            put.bind(1, age)
            put.bind(2, bits: head.revision.number)
            try put.run()
        }
        return age
    }

    /// The newest revision of which it is known that it was reached by this age. Earlier ones are not asked
    /// for any more.
    package func horizon(atAge age: Int64) throws(StateError) -> Revision {
        let find = try statement(.horizon)
        find.bind(1, age)
        guard let moment = try find.first({ row in (row.integer(0), Revision(row.bits(1))) }) else {
            return .zero
        }
        let forget = try statement(.forgetMoments)
        forget.bind(1, moment.0)
        try forget.run()
        return moment.1
    }

    /// Up to which revision all is marked that was replaced or removed.
    package func markedThrough() throws(StateError) -> Revision {
        Revision(UInt64(clamping: try number(Self.markedKey)))
    }

    private static let ageKey = "age"
    private static let markedKey = "marked"

    private func number(_ key: String) throws(StateError) -> Int64 {
        let statement = try statement(.meta)
        statement.bind(1, text: key)
        let bytes = try statement.first { row in row.bytes(0) }
        return bytes.flatMap { Int64(String(decoding: $0, as: UTF8.self)) } ?? 0
    }

    private func setNumber(_ key: String, _ number: Int64) throws(StateError) {
        let statement = try statement(.setMeta)
        statement.bind(1, text: key)
        statement.bind(2, Array("\(number)".utf8))
        try statement.run()
    }

    // MARK: Marking

    /// Begins a pass.
    package func beginCollecting() {
        collecting.chunks = []
        collecting.contents = []
    }

    /// Ends a pass that is not brought to its end.
    package func abandonCollecting() {
        collecting.chunks = nil
        collecting.contents = []
    }

    /// How many chunks may be marked so far; nil: no pass is made, because the transactions of one failed.
    package var collectingChunks: Int? { collecting.chunks?.count }

    /// The first half of a pass: takes in the contents among some after this one that no retained version
    /// has, with their chunks. Returns the last content that was looked at; nil at the end.
    package func collectContents(
        after content: ContentID?, limit: Int, horizon: Revision
    ) throws(StateError) -> ContentID? {
        var last: ContentID?
        for (content, manifest) in try contents(after: content, limit: limit) {
            last = content
            guard try !isMarked(content), try !isRetained(content, horizon) else { continue }
            collecting.contents.insert(content)
            for chunk in manifest.chunks { collecting.chunks?.insert(chunk.id) }
        }
        return last
    }

    /// The second half: takes the chunks of the other contents out again.
    package func spareContents(after content: ContentID?, limit: Int) throws(StateError) -> ContentID? {
        var last: ContentID?
        for (content, manifest) in try contents(after: content, limit: limit) {
            last = content
            guard !collecting.contents.contains(content), try !isMarked(content) else { continue }
            for chunk in manifest.chunks { collecting.chunks?.remove(chunk.id) }
        }
        return last
    }

    /// Marks some of the chunks that are left; false when none is left.
    package func markChunks(limit: Int, due: Int64) throws(StateError) -> Bool {
        let some = Array((collecting.chunks ?? []).prefix(limit))
        guard !some.isEmpty else { return false }
        collecting.hasMarks = true
        for chunk in some {
            if try isKnown(chunk) { try mark(chunk, due: due) }
            collecting.chunks?.remove(chunk)
        }
        return true
    }

    /// Whether the chunk is stored, or was found damaged.
    private func isKnown(_ chunk: ChunkID) throws(StateError) -> Bool {
        if try location(chunk) != nil { return true }
        let statement = try statement(.isDamaged)
        statement.bind(1, chunk.raw)
        return try statement.first { _ in true } ?? false
    }

    /// Marks the contents, whose chunks are marked, and ends the pass. `through`: with them all is marked
    /// that was replaced or removed up to this revision.
    package func finishCollecting(due: Int64, through: Revision?) throws(StateError) {
        let statement = try statement(.markContent)
        for content in collecting.contents {
            collecting.hasMarks = true
            statement.bind(1, content.raw)
            statement.bind(2, due)
            try statement.run()
        }
        if let through { try setNumber(Self.markedKey, Int64(clamping: through.number)) }
        abandonCollecting()
    }

    /// Marks a chunk, as one that is found in a segment and that nothing tells of.
    func mark(_ chunk: ChunkID, due: Int64) throws(StateError) {
        collecting.hasMarks = true
        let statement = try statement(.markChunk)
        statement.bind(1, chunk.raw)
        statement.bind(2, due)
        try statement.run()
    }

    /// Whether the content is marked.
    package func isMarked(_ content: ContentID) throws(StateError) -> Bool {
        guard collecting.hasMarks else { return false }
        let statement = try statement(.isMarked)
        statement.bind(1, content.raw)
        return try statement.first { _ in true } ?? false
    }

    private func isRetained(_ content: ContentID, _ horizon: Revision) throws(StateError) -> Bool {
        let statement = try statement(.isRetained)
        statement.bind(1, bits: content.raw.first)
        statement.bind(2, tailOf: content.raw)
        statement.bind(3, bits: horizon.number)
        return try statement.first { _ in true } ?? false
    }

    func findMarks() throws(StateError) -> Bool {
        try statement(.anyMark).first { row in row.integer(0) != 0 } ?? false
    }

    // MARK: Rescuing

    /// The content is referred to: it and its chunks are not marked any more.
    package func rescue(_ content: ContentID, _ known: Manifest? = nil) throws(StateError) {
        guard collecting.hasMarks || collecting.chunks != nil else { return }
        collecting.contents.remove(content)
        if collecting.hasMarks {
            let statement = try statement(.unmarkContent)
            statement.bind(1, content.raw)
            try statement.run()
        }
        var list = known
        if list == nil { list = try manifest(content) }
        guard let list else { return }
        let statement = try statement(.unmarkChunk)
        for chunk in list.chunks {
            collecting.chunks?.remove(chunk.id)
            guard collecting.hasMarks else { continue }
            statement.bind(1, chunk.id.raw)
            try statement.run()
        }
    }

    // MARK: Removing

    /// Removes chunks, and then contents, whose marks are due at this age, at most so many. Returns how many
    /// of each there were.
    package func removeDue(atAge age: Int64, limit: Int) throws(StateError) -> (chunks: Int, contents: Int) {
        guard collecting.hasMarks else { return (0, 0) }
        let chunks = try remove(.dueChunks, [.removeChunk, .forgetDamagedChunk, .unmarkChunk], age, limit)
        guard chunks < limit else { return (chunks, 0) }
        let contents = try remove(.dueContents, [.removeContent, .unmarkContent], age, limit)
        if contents < limit { collecting.hasMarks = try findMarks() }
        return (chunks, contents)
    }

    private func remove(
        _ find: ShareQuery, _ removals: [ShareQuery], _ age: Int64, _ limit: Int
    ) throws(StateError) -> Int {
        let due = try statement(find)
        due.bind(1, age)
        due.bind(2, Int64(limit))
        let ids = try due.all { row throws(StateError) in try row.bytes32(0) }
        for removal in removals {
            let statement = try statement(removal)
            for id in ids {
                statement.bind(1, id)
                try statement.run()
            }
        }
        return ids.count
    }

    // MARK: Segments

    /// How many chunks lie in a segment, and how many bytes they take there.
    package func live(in segment: UInt32) throws(StateError) -> (chunks: Int, bytes: UInt64) {
        let statement = try statement(.liveBytes)
        statement.bind(1, Int64(segment))
        return try statement.first { row in
            (Int(row.integer(0)), row.bits(1) + row.bits(0) * UInt64(SegmentRecord.headerBytes))
        } ?? (0, 0)
    }

    /// Whether a segment has damaged chunks of which the store has no whole copy.
    package func hasUnhealedDamage(in segment: UInt32) throws(StateError) -> Bool {
        let statement = try statement(.unhealedDamage)
        statement.bind(1, Int64(segment))
        return try statement.first { _ in true } ?? false
    }

    /// Chunks of a segment were copied to other places: those are theirs from now on. False, and nothing is
    /// changed, when the index says of any other chunk that it lies in the segment, or one was found damaged
    /// meanwhile.
    package func vacate(
        _ segment: UInt32, _ copies: [(chunk: ChunkID, from: ChunkLocation, to: ChunkLocation)]
    ) throws(StateError) -> Bool {
        var left = try live(in: segment).chunks
        for copy in copies where try location(copy.chunk) == copy.from { left -= 1 }
        guard left == 0, try !hasUnhealedDamage(in: segment) else { return false }
        let move = try statement(.moveChunk)
        for copy in copies {
            move.bind(1, Int64(copy.to.segment))
            move.bind(2, bits: copy.to.offset)
            move.bind(3, copy.chunk.raw)
            move.bind(4, Int64(copy.from.segment))
            move.bind(5, bits: copy.from.offset)
            try move.run()
        }
        let forget = try statement(.forgetDamage)
        forget.bind(1, Int64(segment))
        try forget.run()
        return true
    }
}
