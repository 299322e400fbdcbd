// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// What the kernel queues for `relay-watch`, and what that makes of it: hints.
///
/// Events in a directory come only once it is watched; a new directory is watched when its own event is taken
/// from the queue, and then reported as a subtree.
struct SimulatedWatch {
    enum Event {
        case entry(RelativePath, writing: Bool)
        case deleted(RelativePath)
        /// A directory appeared, by its inode and the serial that tells it from later ones.
        case directory(inode: Int, serial: UInt64)
    }

    /// Whether the process runs.
    var isRunning = false
    var queue: [Event] = []
    /// Whether events were lost, which the process reports in time.
    var isOverflown = false
    /// Set by whoever is to be told that the queue has something.
    var needsPump = false

    mutating func add(_ event: Event) {
        queue.append(event)
        needsPump = true
    }
}

extension SimulatedDisk {
    /// Reports a change of one name.
    func report(_ name: EntryName, in directory: Int, writing: Bool = false) {
        guard watch.isRunning, inodes[directory].isWatched, let path = path(of: directory) else { return }
        watch.add(.entry(path.appending(name), writing: writing))
    }

    /// Reports that a name was deleted.
    func reportDeletion(_ name: EntryName, in directory: Int) {
        guard watch.isRunning, inodes[directory].isWatched, let path = path(of: directory) else { return }
        watch.add(.deleted(path.appending(name)))
    }

    /// Reports that an entry came to be under a name.
    func reportArrival(_ inode: Int, _ name: EntryName, in directory: Int) {
        guard watch.isRunning, inodes[directory].isWatched else { return }
        if inodes[inode].kind == .directory {
            watch.add(.directory(inode: inode, serial: inodes[inode].serial))
        } else {
            report(name, in: directory)
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
            case .directory(let inode, let serial):
                guard inodes[inode].serial == serial, let path = path(of: inode) else { continue }
                watchSubtree(inode)
                hints.append(.subtree(path))
            }
        }
        return hints
    }

    private func watchSubtree(_ inode: Int) {
        guard inodes[inode].kind == .directory else { return }
        inodes[inode].isWatched = true
        for entry in inodes[inode].entries { watchSubtree(entry.inode) }
    }
}
