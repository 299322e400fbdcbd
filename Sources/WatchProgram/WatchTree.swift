// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import RelayCore

/// The directories of the shared folder and their watches.
///
/// The tree is what the events taken so far make of it; the folder may be ahead of it. So what is opened by
/// its path counts only if it turns out to be the directory that was meant, and a directory is recognised
/// by its watch, which the kernel keeps with the inode. A directory is watched first and listed then:
/// whatever appears in it is listed, or reported, or both.
final class WatchTree<Backend: WatchBackend> {
    let backend: Backend
    let rootPath: [UInt8]
    let root = DirectoryNode(state: .limited, identity: nil)
    var byWatch: [Int32: DirectoryNode] = [:]
    var announcements = Announcements()
    var throttle = WriteThrottle()
    var recent = RecentHints()
    var waiting = WaitingList()

    /// Events that were taken from the kernel's queue while directories were being listed.
    var postponed: [KernelEvent] = []
    var postponedTaken = 0
    /// Events were lost: the whole tree is to be compared with the folder.
    var needsComparison = false
    private var callsSincePump = 0

    init(rootPath: [UInt8], backend: Backend) {
        self.rootPath = rootPath
        self.backend = backend
    }

    /// What became of an entry that may be a directory of ours.
    enum Entered: Hashable {
        /// Watched and listed, with all beneath it, just now.
        case found
        /// Watched since before, here.
        case known
        /// Watched since before, elsewhere, and expected here.
        case moved
        /// Not watched, for want of something or of permission.
        case limited
        case unreadable
        /// Not there any more, or nothing of ours.
        case none
    }

    /// How much is believed about a directory that is watched already.
    enum Trust {
        /// It is complete where it is known to be; at another place it is listed again.
        case place
        /// It is complete if it is this one, which has just left another place.
        case moving(DirectoryNode)
        /// Nothing: it is listed again, with all beneath it, and what is new there is hinted.
        case nothing
    }

    // MARK: - Entering

    /// Watches the root and all beneath it. Throws if the root cannot be opened for want of itself.
    func enterRoot(_ trust: Trust, now: Instant) throws(SystemError) {
        let directory: OpenDirectory
        do {
            directory = try OpenDirectory(path: rootPath)
        } catch  where error.isLimit && root.identity != nil {
            return
        }
        if let identity = root.identity, identity != directory.identity {
            announcements.rootGone("another directory is at its path")
            return
        }
        root.identity = directory.identity
        if case .watched = root.state {
        } else {
            do {
                try watch(root, directory)
            } catch {
                guard error.isLimit else { throw error }
                waiting.limit(root, now: now)
                return
            }
        }
        waiting.free(root)
        list(root, directory, depth: 0, trust, now: now)
    }

    /// Watches and lists the directory `name`, if it is one of ours, and all beneath it.
    @discardableResult
    func enter(
        _ name: EntryName, of parent: DirectoryNode, at descriptor: Int32, depth: Int, _ trust: Trust,
        now: Instant
    ) -> Entered {
        guard parent !== root || name != .relayDirectory, depth < RelativePath.limitDepth else {
            return .none
        }
        pumpSometimes()
        do {
            let directory = try OpenDirectory(name, in: descriptor)
            guard directory.identity.device == root.identity?.device else { return .none }
            let watch = try backend.add(directory: directory.descriptor)
            let (node, entered) = settle(watch, directory.identity, parent, name, trust, now: now)
            guard let node else { return .none }
            if entered == .found {
                list(node, directory, depth: depth + 1, trust, now: now)
            } else if case .nothing = trust {
                list(node, directory, depth: depth + 1, trust, now: now)
            }
            return entered
        } catch {
            if error.isAbsence { return .none }
            return placeUnwatched(name, of: parent, error, now: now)
        }
    }

    /// Finds or makes the node of a watch, and puts it where the directory was found.
    private func settle(
        _ watch: Int32, _ identity: DirectoryIdentity, _ parent: DirectoryNode, _ name: EntryName,
        _ trust: Trust, now: Instant
    ) -> (DirectoryNode?, Entered) {
        guard let node = byWatch[watch] else {
            let unwatched = parent.children[name].flatMap { isUnwatched($0) ? $0 : nil }
            let node = unwatched ?? DirectoryNode(state: .watched(watch), identity: identity)
            if unwatched == nil { place(node, parent, name, now: now) }
            node.state = .watched(watch)
            node.identity = identity
            byWatch[watch] = node
            waiting.free(node)
            return (node, .found)
        }
        if node === parent.children[name] { return (node, .known) }
        // A directory beneath itself: a mount of a directory above. It is not entered twice.
        if parent.isWithin(node) { return (nil, .none) }
        if let oldParent = node.parent, let oldName = node.name {
            waiting.visit(oldParent, oldName, now: now)
        }
        place(node, parent, name, now: now)
        if case .moving(let expected) = trust, node === expected { return (node, .moved) }
        return (node, .found)
    }

    /// Puts a node at a place; what was there has gone elsewhere, or has gone.
    func place(_ node: DirectoryNode, _ parent: DirectoryNode, _ name: EntryName, now: Instant) {
        if let displaced = parent.children[name], displaced !== node { setAside(displaced, now: now) }
        node.detach()
        waiting.found(node)
        parent.attach(node, as: name)
    }

    /// Takes a node out of its place. It is forgotten if it does not turn up soon.
    func setAside(_ node: DirectoryNode, cookie: UInt32? = nil, now: Instant) {
        guard let parent = node.parent, let name = node.name else { return }
        node.detach()
        waiting.lose(node, from: parent, name, cookie: cookie, now: now)
    }

    private func placeUnwatched(
        _ name: EntryName, of parent: DirectoryNode, _ error: SystemError, now: Instant
    ) -> Entered {
        let node: DirectoryNode
        if let existing = parent.children[name] {
            // It is watched, and cannot be opened at the moment; its watch goes on.
            guard isUnwatched(existing) else { return .known }
            node = existing
        } else {
            node = DirectoryNode(state: .unreadable, identity: nil)
            place(node, parent, name, now: now)
        }
        if error.isLimit {
            node.state = .limited
            waiting.limit(node, now: now)
            return .limited
        }
        node.state = .unreadable
        waiting.refuse(node, now: now)
        return .unreadable
    }

    private func isUnwatched(_ node: DirectoryNode) -> Bool {
        switch node.state {
        case .limited, .unreadable: true
        case .watched, .dead: false
        }
    }

    private func watch(_ node: DirectoryNode, _ directory: borrowing OpenDirectory) throws(SystemError) {
        let watch = try backend.add(directory: directory.descriptor)
        node.state = .watched(watch)
        byWatch[watch] = node
    }

    /// Enters the directories in a watched directory; those known that are not in it are set aside.
    private func list(
        _ node: DirectoryNode, _ directory: borrowing OpenDirectory, depth: Int, _ trust: Trust, now: Instant
    ) {
        let names: [EntryName]
        do {
            names = try directory.subdirectories()
        } catch {
            waiting.visit(node, nil, now: now)
            return
        }
        if !node.children.isEmpty {
            let listed = Set(names)
            for (name, child) in node.children where !listed.contains(name) { setAside(child, now: now) }
        }
        // What was expected is the directory itself, not what is in it.
        let inner: Trust = if case .moving = trust { .place } else { trust }
        for name in names {
            let entered = enter(name, of: node, at: directory.descriptor, depth: depth, inner, now: now)
            if case .nothing = inner, entered != .known { hint(entered, name, in: node, now: now) }
        }
    }

    /// Lists a watched directory again, and hints what is new in it.
    func listAgain(_ node: DirectoryNode, _ directory: borrowing OpenDirectory, now: Instant) {
        list(node, directory, depth: node.namesFromTop.count, .place, now: now)
        hintSubtree(node, now: now)
    }

    // MARK: - Leaving

    /// Forgets a directory and all beneath it, and removes their watches.
    func forget(_ node: DirectoryNode) {
        node.detach()
        waiting.found(node)
        var rest = [node]
        while let node = rest.popLast() {
            if case .watched(let watch) = node.state {
                byWatch.removeValue(forKey: watch)
                backend.remove(watch)
                // Each removal is an event itself.
                pumpSometimes()
                waiting.hasFreedWatches = true
            }
            waiting.free(node)
            node.state = .dead
            for child in node.children.values {
                rest.append(child)
            }
        }
    }

    // MARK: - Opening

    /// Why a known directory cannot be opened.
    enum OpeningFailure: Error {
        /// It has no place at the moment, or another directory is there: it was moved.
        case displaced
        case failed(SystemError)
    }

    /// Opens a known directory by its path.
    func open(_ node: DirectoryNode) throws(OpeningFailure) -> OpenDirectory {
        guard node.top === root else { throw .displaced }
        do throws(SystemError) {
            let top = try OpenDirectory(path: rootPath)
            guard top.identity == root.identity else { throw SystemError.absence }
            let directory = try top.descend(node.namesFromTop)
            guard directory.identity == node.identity else { throw SystemError.absence }
            return directory
        } catch {
            throw error.isAbsence ? .displaced : .failed(error)
        }
    }

    /// Keeps the kernel's queue from running over while a large tree is entered or forgotten.
    private func pumpSometimes() {
        callsSincePump += 1
        guard callsSincePump >= Self.pumpInterval else { return }
        callsSincePump = 0
        do {
            while postponed.count - postponedTaken < Self.limitPostponed, let event = try backend.next() {
                let isOfForgotten = event.mask.contains(.ignored) && byWatch[event.watch] == nil
                if !isOfForgotten { postponed.append(event) }
            }
        } catch {
            needsComparison = true
        }
    }

    private static var pumpInterval: Int { 256 }
    private static var limitPostponed: Int { 1 << 20 }
}
