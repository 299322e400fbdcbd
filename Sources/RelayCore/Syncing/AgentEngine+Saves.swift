// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// A file that is saved again and again, as a log is by a program that opens it for each line: from the third
// version on it waits for a pause, as one does that is kept open.

extension AgentEngine {
    /// Notes that a file's content is another than before.
    func noteSave(of id: NodeID) {
        var times = saves[id] ?? []
        times.append(now)
        if times.count > EngineLimits.quickSaves { times.removeFirst() }
        saves[id] = times
        guard saves.count > EngineLimits.trackedSaves else { return }
        saves = saves.filter { wasSavedLately($0.value) }
    }

    func isSavedOften(_ placement: Placement) throws(StateError) -> Bool {
        guard !saves.isEmpty, let id = try replica.localChild(placement), let times = saves[id] else {
            return false
        }
        guard wasSavedLately(times) else {
            saves[id] = nil
            return false
        }
        guard let first = times.first, times.count == EngineLimits.quickSaves else { return false }
        return first + EngineLimits.savesMilliseconds > now
    }

    private func wasSavedLately(_ times: [Instant]) -> Bool {
        guard let last = times.last else { return false }
        return last + EngineLimits.savesMilliseconds > now
    }
}
