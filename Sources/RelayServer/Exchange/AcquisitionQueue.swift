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
    }

    let ready = Mailbox<Acquisition>(limitBytes: .max)
    /// Requests for a sweep of the index.
    let sweeps = Mailbox<Void>(limitBytes: .max)
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

    /// What is missing of the share's current contents is to be looked for in the index.
    func requestSweep() { sweeps.put(()) }

    /// The content was brought, or given up. One that was asked for again meanwhile is not given up yet.
    func finish(_ acquisition: Acquisition, isStored: Bool) {
        let (isAgain, hasRoomAgain) = state.withLock { state in
            if state.again.remove(acquisition.content) != nil, !isStored { return (true, false) }
            state.known.remove(acquisition.content)
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
