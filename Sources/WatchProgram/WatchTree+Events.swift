// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import RelayCore

extension WatchTree {
    /// The most events that are taken before what they say is told.
    static var drainLimit: Int { 4096 }

    /// Takes events that wait. True if more may wait.
    func drain(now: Instant) throws(SystemError) -> Bool {
        for _ in 0..<Self.drainLimit {
            guard let event = try nextEvent() else { return false }
            take(event, now: now)
        }
        return true
    }

    private func nextEvent() throws(SystemError) -> KernelEvent? {
        guard postponedTaken < postponed.count else { return try backend.next() }
        defer {
            postponedTaken += 1
            if postponedTaken == postponed.count {
                postponed = []
                postponedTaken = 0
            }
        }
        return postponed[postponedTaken]
    }

    func take(_ event: KernelEvent, now: Instant) {
        if event.mask.contains(.overflow) {
            needsComparison = true
            return
        }
        // Events of a watch that was removed may still be on their way.
        guard let node = byWatch[event.watch] else { return }
        guard let name = EntryName(event.name) else {
            takeSelf(event, node)
            return
        }
        if node === root, name == .relayDirectory { return }
        if event.mask.contains(.directory) {
            takeDirectory(event, name, in: node, now: now)
        } else {
            takeEntry(event, name, in: node, now: now)
        }
    }

    /// An event about the watched directory itself.
    private func takeSelf(_ event: KernelEvent, _ node: DirectoryNode) {
        if node === root {
            if event.mask.contains(.moveSelf) { announcements.rootGone("it was moved") }
            if event.mask.contains(.deleteSelf) { announcements.rootGone("it was removed") }
            if event.mask.contains(.unmount) { announcements.rootGone("it was unmounted") }
            if event.mask.contains(.ignored) { announcements.rootGone("it cannot be watched any more") }
        } else if !event.mask.isDisjoint(with: [.deleteSelf, .unmount, .ignored]) {
            // The kernel has removed the watch, or is about to.
            forget(node)
        }
    }

    private func takeEntry(_ event: KernelEvent, _ name: EntryName, in node: DirectoryNode, now: Instant) {
        let key = WriteThrottle.Key(watch: event.watch, name: name)
        if event.mask.contains(.modify) {
            if throttle.admits(key, now: now) { hintEntry(name, in: node, writing: true, now: now) }
        } else if event.mask.contains(.create) {
            hintEntry(name, in: node, writing: isBeingWritten(name, in: node), now: now)
        } else {
            if !event.mask.contains(.attributes) { throttle.forget(key) }
            if event.mask.contains(.delete) {
                hintDeletion(name, in: node, now: now)
            } else {
                hintEntry(name, in: node, writing: false, now: now)
            }
        }
    }

    private func takeDirectory(_ event: KernelEvent, _ name: EntryName, in node: DirectoryNode, now: Instant)
    {
        if event.mask.contains(.create) {
            arrive(name, in: node, .place, now: now)
        } else if event.mask.contains(.movedTo) {
            if let moving = waiting.lost(cookie: event.cookie) {
                arrive(name, in: node, .moving(moving), now: now)
            } else {
                arrive(name, in: node, .place, now: now)
            }
        } else if event.mask.contains(.movedFrom) {
            if let child = node.children[name] { setAside(child, cookie: event.cookie, now: now) }
            hintEntry(name, in: node, writing: false, now: now)
        } else if event.mask.contains(.delete) {
            if let child = node.children[name] { forget(child) }
            hintDeletion(name, in: node, now: now)
        } else {
            hintEntry(name, in: node, writing: false, now: now)
            if let child = node.children[name] {
                if child.state == .unreadable { arrive(name, in: node, .place, now: now) }
                waiting.retryRefusedSoon(now: now)
            }
        }
    }

    /// A directory has appeared at this name, or had when the event was made.
    func arrive(_ name: EntryName, in parent: DirectoryNode, _ trust: Trust, now: Instant) {
        let entered: Entered
        do {
            let directory = try open(parent)
            let depth = parent.namesFromTop.count
            entered = enter(name, of: parent, at: directory.descriptor, depth: depth, trust, now: now)
        } catch {
            // The parent was moved meanwhile. Events that tell where are on their way.
            if case .moving(let node) = trust { place(node, parent, name, now: now) }
            waiting.visit(parent, name, now: now)
            hintEntry(name, in: parent, writing: false, now: now)
            return
        }
        guard case .moving(let node) = trust, node.parent == nil else {
            hint(entered, name, in: parent, now: now)
            return
        }
        if entered == .none {
            // It has moved on already; the event that says so finds it here.
            place(node, parent, name, now: now)
            hintMoved(node, now: now)
        } else {
            // Another directory moved. It was taken for this one, which may be where it was.
            if let (oldParent, oldName) = waiting.place(of: node) {
                waiting.visit(oldParent, oldName, now: now)
            }
            hint(entered, name, in: parent, now: now)
        }
    }

    /// Whether the close of what was just created will be reported: a link, or a further name of a file that
    /// exists already, is never closed.
    private func isBeingWritten(_ name: EntryName, in node: DirectoryNode) -> Bool {
        guard let directory = try? open(node) else { return true }
        return directory.status(of: name)?.isPlainFile ?? true
    }

    // MARK: - Hinting

    func hint(_ entered: Entered, _ name: EntryName, in parent: DirectoryNode, now: Instant) {
        guard let node = parent.children[name] else {
            hintEntry(name, in: parent, writing: false, now: now)
            return
        }
        switch entered {
        case .found, .limited: hintSubtree(node, now: now)
        case .moved: hintMoved(node, now: now)
        case .known, .unreadable, .none: hintEntry(name, in: parent, writing: false, now: now)
        }
    }

    /// Hints the new place of a directory that is known, and again what was hinted at the old one lately.
    private func hintMoved(_ node: DirectoryNode, now: Instant) {
        guard let parent = node.parent, let name = node.name else { return }
        guard !node.hasMissedHints, let within = recent.within(node, now: now) else {
            hintSubtree(node, now: now)
            return
        }
        guard !within.contains(where: { $0.node === node && $0.name == nil }) else {
            hintSubtree(node, now: now)
            return
        }
        hintEntry(name, in: parent, writing: false, now: now)
        for (node, name) in within {
            if let name {
                hintEntry(name, in: node, writing: false, now: now)
            } else {
                hintSubtree(node, now: now)
            }
        }
    }

    func hintEntry(_ name: EntryName, in node: DirectoryNode, writing: Bool, now: Instant) {
        guard let path = hintedPath(name, in: node, now: now) else { return }
        announcements.entry(path, writing: writing)
    }

    private func hintDeletion(_ name: EntryName, in node: DirectoryNode, now: Instant) {
        guard let path = hintedPath(name, in: node, now: now) else { return }
        announcements.deleted(path)
    }

    /// Nil while it is not known where the directory is.
    private func hintedPath(_ name: EntryName, in node: DirectoryNode, now: Instant) -> RelativePath? {
        let top = node.top
        guard top === root else {
            top.hasMissedHints = true
            return nil
        }
        recent.add(node, name, now: now)
        return RelativePath(node.namesFromTop + [name])
    }

    func hintSubtree(_ node: DirectoryNode, now: Instant) {
        let top = node.top
        guard top === root else {
            top.hasMissedHints = true
            return
        }
        node.hasMissedHints = false
        recent.add(node, nil, now: now)
        announcements.subtree(RelativePath(node.namesFromTop))
    }
}
