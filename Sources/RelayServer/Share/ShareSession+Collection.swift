// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage

// Contents that nothing refers to any more, and the room that they take. Nothing is collected while there is
// any trouble with the share's files: each of these gives nil or false then.

/// What one round of collecting goes by.
struct CollectionTerms: Sendable {
    /// The share's age, in milliseconds.
    var age: Int64
    /// What was replaced or removed up to this revision is not retained.
    var horizon: Revision
    /// Whether something was since it was last marked.
    var mustMark: Bool
}

extension ShareSession {
    /// How many contents are looked at in one transaction, and how many chunks are written in one.
    private static var sliceContents: Int { 128 }
    private static var sliceChunks: Int { 500 }

    private func collect<T>(_ body: (OpenShare) throws(StateError) -> T?) -> T? {
        guard held == nil, gate.isOpen, unrecorded.isEmpty else { return nil }
        var result: T?
        let isWritten = write { open throws(StateError) in
            try open.index.requireOwnFiles()
            result = try body(open)
        }
        return isWritten ? result : nil
    }

    /// Lets so much time pass, and says what may go.
    func beginRound(elapsedMilliseconds: Int64, keepMilliseconds: Int64) -> CollectionTerms? {
        collect { open throws(StateError) in
            let age = try open.index.advance(byMilliseconds: elapsedMilliseconds)
            let horizon = try open.index.horizon(atAge: age - keepMilliseconds)
            return CollectionTerms(
                age: age, horizon: horizon, mustMark: horizon > (try open.index.markedThrough()))
        }
    }

    /// What a step through the contents has come to.
    struct CollectionStep: Sendable {
        /// The last content that was looked at; nil at the end.
        var last: ContentID?
        /// How many chunks may be marked so far.
        var chunks: Int
    }

    /// Takes in what no retained version has, of some contents after this one; nil begins a pass.
    func collectContents(after content: ContentID?, _ terms: CollectionTerms) -> CollectionStep? {
        collect { open throws(StateError) -> CollectionStep? in
            if content == nil { open.index.beginCollecting() }
            guard open.index.collectingChunks != nil else { return nil }
            let last = try open.index.collectContents(
                after: content, limit: Self.sliceContents, horizon: terms.horizon)
            return CollectionStep(last: last, chunks: open.index.collectingChunks ?? 0)
        }
    }

    /// Takes out what others have, of some contents after this one.
    func spareContents(after content: ContentID?) -> CollectionStep? {
        collect { open throws(StateError) -> CollectionStep? in
            guard open.index.collectingChunks != nil else { return nil }
            let last = try open.index.spareContents(after: content, limit: Self.sliceContents)
            return CollectionStep(last: last, chunks: open.index.collectingChunks ?? 0)
        }
    }

    /// Marks some of what was found. Returns how many chunks are left.
    func markChunks(due: Int64) -> Int? {
        collect { open throws(StateError) -> Int? in
            _ = try open.index.markChunks(limit: Self.sliceChunks, due: due)
            return open.index.collectingChunks
        }
    }

    /// Ends a pass, in which all was marked up to a revision, if it is given.
    func finishMarking(due: Int64, through: Revision?) -> Bool {
        collect { open throws(StateError) -> Bool? in
            guard open.index.collectingChunks != nil else { return nil }
            try open.index.finishCollecting(due: due, through: through)
            return true
        } ?? false
    }

    /// Removes some of what is due at this age from the index; returns how much it was.
    func removeDue(atAge age: Int64) -> Int? {
        collect { open throws(StateError) in
            let removed = try open.index.removeDue(atAge: age, limit: Self.sliceChunks)
            if removed.contents > 0 { shelf = ManifestShelf() }
            return removed.chunks + removed.contents
        }
    }

    /// How many bytes of a segment are in use; nil when it must not be touched.
    func liveBytes(in segment: UInt32) -> UInt64? {
        collect { open throws(StateError) -> UInt64? in
            guard try !open.index.hasUnhealedDamage(in: segment) else { return nil }
            return try open.index.live(in: segment).bytes
        }
    }

    /// The chunks of a segment have other places from now on, on disk already. False when it is still in use.
    func vacate(
        _ segment: UInt32, _ copies: [(chunk: ChunkID, from: ChunkLocation, to: ChunkLocation)]
    ) -> Bool {
        let isVacant = collect { open throws(StateError) in try open.index.vacate(segment, copies) }
        guard isVacant == true else { return false }
        retired.insert(segment)
        return true
    }
}
