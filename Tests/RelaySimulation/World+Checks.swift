// SPDX-License-Identifier: Apache-2.0

import RelayCore

// What must hold once all is quiet.

/// What stands at one path, as far as it is to be the same everywhere.
struct Standing: Hashable, CustomStringConvertible {
    var kind: NodeKind
    var token: Token
    var mode: UInt16
    var modified: Timestamp?

    var description: String {
        let time = modified.map { " of \($0.seconds).\($0.nanoseconds)" } ?? ""
        return "\(kind) \(token.number) \(String(mode, radix: 8))\(time)"
    }
}

extension World {
    /// Whether nothing is under way and every engine says that all is in sync.
    var claimsToBeInSync: Bool {
        materialEvents == 0 && hub.isUp && agents.allSatisfy { $0.engine?.state.isInSync == true }
    }

    func standings(of disk: SimulatedDisk) -> [RelativePath: Standing] {
        var result: [RelativePath: Standing] = [:]
        for (path, inode) in disk.walk() {
            let it = disk.inodes[inode]
            result[path] = Standing(
                kind: it.kind, token: it.token, mode: it.kind == .symlink ? 0 : it.mode,
                modified: it.kind == .file ? it.modified : nil)
        }
        return result
    }

    func nodeOfHub(at path: RelativePath) -> NodeID? {
        var current = NodeID.root
        for name in path.components {
            guard let child = hub.index.child(Placement(parent: current, name: name)) else { return nil }
            current = child
        }
        return current
    }

    func standingsOfHub() -> [RelativePath: Standing] {
        var result: [RelativePath: Standing] = [:]
        var stack: [(NodeID, RelativePath)] = [(.root, .root)]
        while let (node, path) = stack.popLast() {
            for child in hub.index.children(of: node) {
                guard let state = hub.index.record(child)?.state else { continue }
                let childPath = path.appending(state.placement.name)
                result[childPath] = Standing(state.payload)
                stack.append((child, childPath))
            }
        }
        return result
    }

    /// Paths of the hub's tree whose content is nowhere any more: given up by a user before anybody fetched
    /// it.
    func lostPaths(_ tree: [RelativePath: Standing]) -> Set<RelativePath> {
        var result: Set<RelativePath> = []
        for (path, standing) in tree
        where standing.kind == .file && standing.token != .empty
            && !hub.store.contains(standing.token.content) && !isOnSomeDisk(standing.token)
        {
            result.insert(path)
        }
        return result
    }

    /// The first difference between the disks and the hub's tree, apart from what is lost; nil if equal.
    func difference() -> String? {
        let all = standingsOfHub()
        let rules = rules(of: all)
        let tree = shared(all, by: rules)
        let lost = lostPaths(tree)
        for agent in agents {
            let disk = shared(standings(of: agent.disk), by: rules)
            let folded = foldedAway(of: agent, tree)
            for path in Set(tree.keys).union(disk.keys).subtracting(lost)
                .sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) })
            where tree[path] != disk[path] && !lost.contains(where: { path.isWithin($0) })
                && !folded.excuses(path, isInTree: tree[path] != nil)
            {
                let left = tree[path].map(String.init(describing:)) ?? "nothing"
                let right = disk[path].map(String.init(describing:)) ?? "nothing"
                return "\(path): the hub has \(left), \(agent.name) has \(right)"
            }
        }
        return nil
    }

    /// Whether all are equal but for contents that nobody has, and for names that a disk cannot tell apart.
    var isStuckForGoodReason: Bool {
        guard materialEvents == 0 else { return false }
        let tree = standingsOfHub()
        let isFolded = agents.contains { !foldedAway(of: $0, tree).isEmpty }
        guard isFolded ? waitsForPeopleOnly : !lostPaths(tree).isEmpty else { return false }
        return difference() == nil
    }

    /// All that must hold at the end of a round.
    func check() {
        if let difference = difference() {
            fail("N1", difference)
            return
        }
        checkIndexes()
        // A file whose hub's content is lost may differ, so every disk counts.
        var counts: [Token: Int] = [:]
        for agent in agents {
            for leaf in agent.disk.leaves(SimulatedDisk.rootInode) {
                counts[agent.disk.inodes[leaf].token, default: 0] += 1
            }
        }
        for token in ledger.kept where counts[token] == nil {
            let isInHistory = hub.index.holds(token)
            // An agent that forgot takes what stands on its disk for an edit of what it remembers, and so may
            // bring an old content back over a newer one; that one then is in the history.
            if isInHistory, ledger.hasForgotten { continue }
            let isKept = isInHistory ? "in the hub's history only" : "nowhere"
            fail("N2", "content \(token.number), which no user gave up, is \(isKept)")
        }
        let leavesOut = rules(of: standingsOfHub()) != nil
        for token in ledger.cutOff where counts[token] == nil {
            // What is left out of all folders is where it was: on the hub.
            if leavesOut, hub.index.currentlyHolds(token) { continue }
            fail("N6", "content \(token.number), which a power cut took from a disk, was given up by it")
        }
        // Where the hub's content is lost, the disks keep the last that anybody has.
        let tree = standingsOfHub()
        let lost = lostPaths(tree)
        var standing: Set<Token> = []
        for agent in agents {
            let folded = foldedAway(of: agent, tree)
            for (path, inode) in agent.disk.walk()
            where !lost.contains(path) && !folded.excuses(path, isInTree: tree[path] != nil) {
                standing.insert(agent.disk.inodes[inode].token)
            }
        }
        for token in ledger.removed where standing.contains(token) {
            fail("N5", "content \(token.number), which users removed, is there again")
        }
        checkCopies()
    }

    private func checkCopies() {
        let mark = Array(" (conflict ".utf8)
        var seen: Set<[UInt8]> = []
        for (path, inode) in agents[0].disk.walk() {
            guard let name = path.name?.bytes, let start = position(of: mark, in: name) else { continue }
            if configuration.family == .singleEditor {
                fail("N8", "\(path) is there though only one user edited")
            }
            let token = agents[0].disk.inodes[inode].token
            guard agents[0].disk.inodes[inode].kind == .file, token != .empty, !configuration.hasCopies,
                // Agents that forgot what they had in common with the hub cannot tell an old content from a
                // new; and what users made of a copy is theirs.
                !ledger.hasForgotten, !ledger.hasIgnored, path.name.map(userNames.contains) == false
            else {
                continue
            }
            // Two nodes may have lost the same content, as when two users put it in two places; two devices
            // that lost it at once know nothing of each other; and a user may put it there again.
            let record = nodeOfHub(at: path).flatMap { hub.index.record($0) }
            if let record, record.revision <= roundStart { continue }
            let stem = record?.origin?.bytes ?? path.parent.bytes + [0x2f] + name[..<start]
            let key = stem + (record?.device.bytes ?? []) + Array(" \(token.number)".utf8)
            if !seen.insert(key).inserted { fail("N8", "\(path) is the second copy of its content") }
        }
        // A passing name that was forgotten is a name like any other.
        guard !ledger.hasForgotten, !ledger.hasIgnored else { return }
        guard let left = position(of: Array(" (moving ".utf8), anywhereIn: agents[0].disk) else { return }
        fail("N7", "\(left) was left behind")
    }

    private func position(of mark: [UInt8], anywhereIn disk: SimulatedDisk) -> RelativePath? {
        disk.walk().map(\.path).first { path in
            guard let name = path.name, let start = position(of: mark, in: name.bytes) else { return false }
            // A name that a user took up is the user's, and so are those of copies that are named after it.
            let end = name.bytes[start...].firstIndex(of: 0x29) ?? name.bytes.endIndex
            let stem = name.bytes[..<end]
            return !userNames.contains { $0.bytes.starts(with: stem) }
        }
    }

    private func position(of mark: [UInt8], in name: [UInt8]) -> Int? {
        guard name.count >= mark.count else { return nil }
        return (0...name.count - mark.count).first { name[$0...].starts(with: mark) }
    }
}

extension Standing {
    init(_ payload: Payload) {
        switch payload {
        case .file(let file):
            self.init(
                kind: .file, token: Token(file.content), mode: file.mode.rawValue, modified: file.modified)
        case .directory(let mode):
            self.init(kind: .directory, token: .empty, mode: mode.rawValue, modified: nil)
        case .symlink(let target):
            self.init(kind: .symlink, token: Token(target: target), mode: 0, modified: nil)
        }
    }
}
