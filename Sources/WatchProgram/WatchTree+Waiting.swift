// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import RelayCore

extension WatchTree {
    /// From so many on, unwatched directories are not hinted one by one.
    static var limitPolledHints: Int { 1024 }

    /// When `settle` has something to do, if no event comes before; nil if it has not.
    var deadline: Instant? { [waiting.deadline, throttle.deadline].compactMap { $0 }.min() }

    /// Watches everything for the first time.
    func start(now: Instant) throws(SystemError) {
        try enterRoot(.place, now: now)
        announcements.ready()
        tellLimited()
    }

    /// Does what is due. Call when no event waits: the tree is as the folder is, or events are on their way.
    func settle(now: Instant) throws(SystemError) {
        if needsComparison { try compare(now: now) }
        for key in throttle.due(now: now) {
            if let node = byWatch[key.watch] { hintEntry(key.name, in: node, writing: true, now: now) }
        }
        visit(now: now)
        giveUpLost(now: now)
        for node in waiting.takeRefused(now: now) { retry(node, now: now) }
        try retryLimited(now: now)
        tellLimited()
    }

    /// Compares the whole tree with the folder after events were lost.
    private func compare(now: Instant) throws(SystemError) {
        needsComparison = false
        announcements.overflow()
        waiting.distrustCookies()
        waiting.forgetVisits()
        do {
            try enterRoot(.nothing, now: now)
        } catch {
            guard error.isAbsence else { throw error }
            announcements.rootGone("it is not at its path")
        }
    }

    /// Looks at what could not be opened because it was being moved.
    private func visit(now: Instant) {
        var failed: [WaitingList.Visit] = []
        for visit in waiting.takeVisits(now: now) where visit.parent.state != .dead {
            do {
                let directory = try open(visit.parent)
                guard let name = visit.name else {
                    listAgain(visit.parent, directory, now: now)
                    continue
                }
                let depth = visit.parent.namesFromTop.count
                let entered = enter(
                    name, of: visit.parent, at: directory.descriptor, depth: depth, .place, now: now)
                if entered != .known, entered != .none { hint(entered, name, in: visit.parent, now: now) }
            } catch {
                failed.append(visit)
            }
        }
        waiting.visitLater(failed, now: now)
        if waiting.visitAttempts > WaitingList.visitLimit {
            // Events and folder do not come together by themselves.
            waiting.forgetVisits()
            needsComparison = true
        }
    }

    /// Forgets what has left its place for good, after a last look at that place.
    private func giveUpLost(now: Instant) {
        for lost in waiting.overdue(now: now) where lost.node.parent == nil {
            if let directory = try? open(lost.parent) {
                let depth = lost.parent.namesFromTop.count
                enter(lost.name, of: lost.parent, at: directory.descriptor, depth: depth, .place, now: now)
            }
            if lost.node.parent == nil {
                forget(lost.node)
            } else {
                hintSubtree(lost.node, now: now)
            }
        }
    }

    @discardableResult
    private func retry(_ node: DirectoryNode, now: Instant) -> Entered {
        guard let parent = node.parent, let name = node.name, let directory = try? open(parent) else {
            return .none
        }
        let depth = parent.namesFromTop.count
        let entered = enter(name, of: parent, at: directory.descriptor, depth: depth, .place, now: now)
        if entered == .found { hintSubtree(node, now: now) }
        return entered
    }

    /// Tries to watch what could not be watched, until a limit is met again; hints the rest.
    private func retryLimited(now: Instant) throws(SystemError) {
        let isPolling = waiting.takePoll(now: now)
        guard isPolling || (waiting.hasFreedWatches && !waiting.limited.isEmpty) else { return }
        waiting.hasFreedWatches = false
        for node in Array(waiting.limited.values) {
            if node === root {
                try enterRoot(.nothing, now: now)
                if root.state == .limited { break }
                hintSubtree(root, now: now)
            } else if retry(node, now: now) == .limited {
                break
            }
        }
        guard isPolling else { return }
        if waiting.limited.count > Self.limitPolledHints {
            hintSubtree(root, now: now)
        } else {
            for node in waiting.limited.values { hintSubtree(node, now: now) }
        }
    }

    private func tellLimited() {
        guard waiting.limitedHaveChanged else { return }
        waiting.limitedHaveChanged = false
        let placed = waiting.limited.values.lazy.filter { $0.top === self.root }
        announcements.polling(
            count: waiting.limited.count,
            directories: placed.prefix(WatchRecord.limitPollingPaths).map { RelativePath($0.namesFromTop) }
                .sorted {
                    $0.bytes.lexicographicallyPrecedes($1.bytes)
                })
    }
}
