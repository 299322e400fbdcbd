// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// A file that is saved again and again at once, as a log is by a program that opens it for each line: it
// waits for a pause, as one does that is kept open. Saves at a person's pace do not wait.

extension AgentEngine {
    /// Notes that a file's content is another than before.
    func noteSave(of id: NodeID) {
        saves[id, default: SaveTimes()].note(now)
        guard saves.count > EngineLimits.trackedSaves else { return }
        saves = saves.filter { $0.value.isRecent(now) }
    }

    /// Whether the file that stands there, and was just saved, is saved again and again.
    func isSavedOften(_ placement: Placement) throws(StateError) -> Bool {
        guard !saves.isEmpty, let id = try replica.localChild(placement), var times = saves[id] else {
            return false
        }
        let isOften = times.isOften(now)
        saves[id] = times.isRecent(now) ? times : nil
        return isOften
    }
}

/// When a file was saved lately.
struct SaveTimes {
    /// The latest times at which it was found changed.
    private var changes: [Instant] = []
    /// Until when the next save must come for it to be one of those that go on.
    private var goesOnUntil: Instant?

    mutating func note(_ now: Instant) {
        changes.append(now)
        if changes.count > EngineLimits.quickSaves { changes.removeFirst() }
    }

    /// To be asked at each save.
    ///
    /// Once saves are quick they stay so until one is late: while they wait, few changes are found.
    mutating func isOften(_ now: Instant) -> Bool {
        let goesOn = goesOnUntil.map { now < $0 } ?? false
        let isQuick =
            changes.count == EngineLimits.quickSaves
            && changes[0] + EngineLimits.quickSavesMilliseconds > now
        goesOnUntil = goesOn || isQuick ? now + EngineLimits.saveStreakMilliseconds : nil
        return goesOn || isQuick
    }

    func isRecent(_ now: Instant) -> Bool {
        let isChanged = changes.last.map { now < $0 + EngineLimits.quickSavesMilliseconds } ?? false
        return isChanged || goesOnUntil.map { now < $0 } ?? false
    }
}
