// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization

/// A content that was committed and that the hub does not hold whole.
struct Acquisition: Hashable, Sendable {
    var content: ContentID
    var sizeBytes: UInt64
    /// Whether it was committed just now: then somebody has what may be damaged here.
    var isNew = false
}

/// The contents that are to be brought into the store.
///
/// Nothing of it is kept on disk: what is missing is seen from the index, by a sweep when the share is opened
/// and whenever something may have been passed over.
final class AcquisitionQueue: Sendable {
    private struct State {
        var known: Set<ContentID> = []
        /// Those that nobody online has.
        var parked: [ContentID: Acquisition] = [:]
        /// Those that were asked for once more while they were under way.
        var again: Set<ContentID> = []
        /// Whether some were not taken in because there were too many.
        var isOverflown = false
        /// Whether some were given up since the last sweep began.
        var hasGivenUp = false
        var requestedSweeps = 0
        /// The number of the last request that was met to the end.
        var metSweeps = 0
    }

    let ready = Mailbox<Acquisition>(limitBytes: .max)
    private let sweeps = Mailbox<Revision>(limitBytes: .max)
    private let state = Mutex(State())

    /// The most contents that are remembered; those beyond are found by a later sweep.
    private static let limit = 100_000

    /// Asks for a content to be brought, unless that is under way.
    func add(_ acquisition: Acquisition) {
        let isNew = state.withLock { state in
            if state.parked.removeValue(forKey: acquisition.content) != nil { return true }
            guard !state.known.contains(acquisition.content) else {
                state.again.insert(acquisition.content)
                return false
            }
            guard state.known.count < Self.limit else {
                state.isOverflown = true
                return false
            }
            return state.known.insert(acquisition.content).inserted
        }
        if isNew { ready.put(acquisition) }
    }

    /// A sweep of the index that is asked for.
    struct Sweep {
        /// The records up to this one need not be looked at.
        var after: Revision
        /// Of the requests that it meets, the last.
        fileprivate var request: Int
    }

    /// What is missing of the share's current contents is to be looked for in the index, unless it came with
    /// this revision or an earlier one.
    func requestSweep(after revision: Revision = .zero) {
        state.withLock { $0.requestedSweeps += 1 }
        sweeps.put(revision)
    }

    /// Waits until a sweep is asked for; nil when the task is cancelled.
    func takeSweep() async -> Sweep? {
        let positions = await sweeps.take(limitBytes: .max).map(\.element)
        guard let after = positions.min() else { return nil }
        return state.withLock { state in
            state.hasGivenUp = false
            return Sweep(after: after, request: state.requestedSweeps)
        }
    }

    /// The sweep went through to the end, and all that it found was added.
    func finish(_ sweep: Sweep) { state.withLock { $0.metSweeps = sweep.request } }

    /// Whether, as far as anybody knows, nothing is missing of the current contents.
    var isDone: Bool {
        state.withLock {
            $0.known.isEmpty && !$0.isOverflown && !$0.hasGivenUp && $0.metSweeps == $0.requestedSweeps
        }
    }

    /// The content was brought, or given up. One that was asked for again meanwhile is not given up yet.
    func finish(_ acquisition: Acquisition, isStored: Bool) {
        let (isAgain, hasRoomAgain) = state.withLock { state in
            if state.again.remove(acquisition.content) != nil, !isStored { return (true, false) }
            state.known.remove(acquisition.content)
            if !isStored { state.hasGivenUp = true }
            guard state.isOverflown, state.known.count < Self.limit / 2 else { return (false, false) }
            state.isOverflown = false
            return (false, true)
        }
        if isAgain { ready.put(acquisition) }
        if hasRoomAgain { requestSweep() }
    }

    /// Sets a content aside until a device comes online.
    func park(_ acquisition: Acquisition) {
        state.withLock { $0.parked[acquisition.content] = acquisition }
    }

    func resumeParked() {
        let parked = state.withLock { state in
            defer { state.parked = [:] }
            return state.parked.values
        }
        for acquisition in parked { ready.put(acquisition) }
    }
}
