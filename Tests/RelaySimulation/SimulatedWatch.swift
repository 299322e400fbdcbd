// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// What the kernel queues for `relay-watch`, and what that makes of it: hints.
///
/// Events in a directory come only once it is watched; a new directory is watched when its own event is taken
/// from the queue, and then reported as a subtree. One that was watched before it was moved is reported as an
/// entry, and what was hinted within it lately once more.
struct SimulatedWatch {
    enum Event {
        case entry(RelativePath, writing: Bool)
        case deleted(RelativePath)
        /// A known directory is at another place.
        case subtree(RelativePath)
        case arrival(Arrival)
    }

    /// A directory appeared under a name.
    struct Arrival {
        var name: EntryName
        /// The inode of the directory that has the name, and the serial that tells it from later ones.
        var parent: Int
        var serial: UInt64
        /// Where that was then.
        var path: RelativePath
    }

    /// Whether the process runs.
    var isRunning = false
    var queue: [Event] = []
    /// Whether events were lost, which the process reports in time.
    var isOverflown = false
    /// Set by whoever is to be told that the queue has something.
    var needsPump = false
    /// What was hinted lately.
    var recent: [RecentHint] = []
    /// Until when a hint that is not remembered any more may matter.
    var isIncompleteUntil: Int64 = 0
    static let limitRecent = 4096
    /// Hints that are older were looked at.
    static let recentMilliseconds: Int64 = 30_000

    struct RecentHint {
        /// The directory's inode and serial.
        var directory: Int
        var serial: UInt64
        /// Nil: the directory and all beneath it.
        var name: EntryName?
        var given: Int64
    }

    mutating func add(_ event: Event) {
        queue.append(event)
        needsPump = true
    }

    mutating func remember(_ hint: RecentHint) {
        if recent.count >= 256 { forgetOld(now: hint.given) }
        if recent.count >= Self.limitRecent {
            isIncompleteUntil = recent.removeFirst().given + Self.recentMilliseconds
        }
        recent.append(hint)
    }

    mutating func forgetOld(now: Int64) { recent.removeAll { $0.given + Self.recentMilliseconds <= now } }
}

extension SimulatedDisk {
    /// Reports a change of one name.
    func report(_ name: EntryName, in directory: Int, writing: Bool = false) {
        guard watch.isRunning, inodes[directory].isWatched, let path = path(of: directory) else { return }
        watch.add(.entry(path.appending(name), writing: writing))
        remember(name, in: directory)
    }

    /// Reports that a name was deleted.
    func reportDeletion(_ name: EntryName, in directory: Int) {
        guard watch.isRunning, inodes[directory].isWatched, let path = path(of: directory) else { return }
        watch.add(.deleted(path.appending(name)))
        remember(name, in: directory)
    }

    private func remember(_ name: EntryName?, in directory: Int) {
        watch.remember(
            .init(directory: directory, serial: inodes[directory].serial, name: name, given: now))
    }

    /// Reports that an entry came to be under a name.
    func reportArrival(_ inode: Int, _ name: EntryName, in directory: Int) {
        guard watch.isRunning, inodes[directory].isWatched, let path = path(of: directory) else { return }
        if inodes[inode].kind == .directory {
            let arrival = SimulatedWatch.Arrival(
                name: name, parent: directory, serial: inodes[directory].serial,
                path: path.appending(name))
            watch.add(.arrival(arrival))
        } else {
            report(name, in: directory)
        }
    }

    /// Reports that an entry was moved, and is under this name now.
    func reportMove(_ inode: Int, _ name: EntryName, in directory: Int) {
        guard watch.isRunning, inodes[directory].isWatched, inodes[inode].kind == .directory,
            inodes[inode].isWatched
        else { return reportArrival(inode, name, in: directory) }
        watch.forgetOld(now: now)
        let within = watch.recent.filter {
            inodes[$0.directory].serial == $0.serial && isWithin($0.directory, inode)
        }
        guard watch.isIncompleteUntil <= now,
            !within.contains(where: { $0.directory == inode && $0.name == nil })
        else {
            return reportArrival(inode, name, in: directory)
        }
        report(name, in: directory)
        for hint in within {
            if let name = hint.name {
                report(name, in: hint.directory)
            } else if let path = path(of: hint.directory) {
                watch.add(.subtree(path))
                remember(nil, in: hint.directory)
            }
        }
    }

    /// Starts the process: everything that is there is watched from now on.
    func startWatch() {
        watch = SimulatedWatch()
        watch.isRunning = true
        watchSubtree(Self.rootInode)
    }

    func stopWatch() {
        watch = SimulatedWatch()
        for index in inodes.indices { inodes[index].isWatched = false }
    }

    /// Takes all events from the queue and turns them into hints.
    func pumpWatch() -> [Hint] {
        let events = watch.queue
        watch.queue = []
        watch.needsPump = false
        var hints: [Hint] = []
        for event in events {
            switch event {
            case .entry(let path, let writing): hints.append(.entry(path, writing: writing))
            case .deleted(let path): hints.append(.deleted(path))
            case .subtree(let path): hints.append(.subtree(path))
            case .arrival(let arrival): hints += look(at: arrival)
            }
        }
        return hints
    }

    /// Watches what is under the name now. Where the directory that has it was moved meanwhile, that is
    /// looked for at its new place.
    private func look(at arrival: SimulatedWatch.Arrival) -> [Hint] {
        guard inodes[arrival.parent].serial == arrival.serial,
            let path = path(of: arrival.parent)?.appending(arrival.name)
        else { return [.entry(arrival.path, writing: false)] }
        var hints: [Hint] = path == arrival.path ? [] : [.entry(arrival.path, writing: false)]
        guard let inode = child(arrival.name, of: arrival.parent), inodes[inode].kind == .directory else {
            return hints + [.entry(path, writing: false)]
        }
        watchSubtree(inode)
        remember(nil, in: inode)
        hints.append(.subtree(path))
        return hints
    }

    private func watchSubtree(_ inode: Int) {
        guard inodes[inode].kind == .directory else { return }
        inodes[inode].isWatched = true
        for entry in inodes[inode].entries { watchSubtree(entry.inode) }
    }
}
