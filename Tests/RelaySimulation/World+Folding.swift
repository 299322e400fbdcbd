// SPDX-License-Identifier: Apache-2.0

import RelayCore

// What a machine cannot have whose disk takes names that differ in case for one.

extension EntryName {
    /// Whether both are the same to a disk that folds names.
    func isSpelled(like other: EntryName) -> Bool { folded == other.folded }
}

/// What of a tree a folder lacks, and what it has in another place, since its disk folds names.
struct FoldedAway {
    /// Paths of the tree that cannot be there, or not yet.
    var missing: Set<RelativePath> = []
    /// Where entries stand on the disk that cannot go to where the tree has them.
    var standing: Set<RelativePath> = []

    var isEmpty: Bool { missing.isEmpty }

    func excuses(_ path: RelativePath, isInTree: Bool) -> Bool {
        if missing.contains(where: { path.isWithin($0) }) || standing.contains(where: { path.isWithin($0) }) {
            return true
        }
        // A directory stays for what stands in it.
        return !isInTree && standing.contains { $0.isWithin(path) }
    }
}

extension World {
    func foldedAway(of agent: SimulatedAgent, _ tree: [RelativePath: Standing]) -> FoldedAway {
        var result = FoldedAway()
        guard agent.disk.foldsNames else { return result }
        for path in tree.keys where isTakenInAnotherSpelling(path, on: agent) { result.missing.insert(path) }
        // What is to go to the place of one that cannot go, or of what holds one, waits as well.
        while true {
            for path in tree.keys where result.missing.contains(where: { path.isWithin($0) }) {
                if let place = place(ofHubs: path, on: agent) { result.standing.insert(place) }
            }
            let waiting = tree.keys.filter { path in
                guard !result.missing.contains(path), let goal = goal(ofHubs: path, on: agent),
                    place(ofHubs: path, on: agent) != goal
                else { return false }
                return result.standing.contains { $0.isWithin(goal) }
            }
            if waiting.isEmpty { return result }
            result.missing.formUnion(waiting)
        }
    }

    /// Whether the directory that the hub has the path's last name in has that name, wherever the directory
    /// stands on this disk, for another entry.
    private func isTakenInAnotherSpelling(_ path: RelativePath, on agent: SimulatedAgent) -> Bool {
        guard let goal = goal(ofHubs: path, on: agent), let name = goal.name,
            let directory = agent.disk.find(goal.parent),
            agent.disk.inodes[directory].kind == .directory,
            let spelling = agent.disk.spelling(of: name, in: directory)
        else { return false }
        return spelling != name
    }

    /// What a disk holds, and what of it is where the tree has it or can have it.
    func tokens(
        on agent: SimulatedAgent, _ tree: [RelativePath: Standing]
    ) -> (all: [Token], inPlace: [Token]) {
        let folded = foldedAway(of: agent, tree)
        let leaves = agent.disk.walk().filter { agent.disk.inodes[$0.inode].kind != .directory }
        let inPlace = leaves.filter { !folded.excuses($0.path, isInTree: tree[$0.path] != nil) }
        return (
            leaves.map { agent.disk.inodes[$0.inode].token },
            inPlace.map { agent.disk.inodes[$0.inode].token }
        )
    }

    /// Whether the path leads to an entry of another name.
    func isTakenInAnotherSpelling(_ path: RelativePath, on disk: SimulatedDisk) -> Bool {
        var directory = SimulatedDisk.rootInode
        for name in path.components {
            guard disk.inodes[directory].kind == .directory, let next = disk.child(name, of: directory) else {
                return false
            }
            if disk.spelling(of: name, in: directory) != name { return true }
            directory = next
        }
        return false
    }

    /// Where on the disk the agent brings what the hub has at a path: beneath the hub's directory, wherever
    /// that stands there.
    private func goal(ofHubs path: RelativePath, on agent: SimulatedAgent) -> RelativePath? {
        guard let name = path.name else { return nil }
        let parent = path.parent.isRoot ? RelativePath.root : place(ofHubs: path.parent, on: agent)
        return parent?.appending(name)
    }

    /// Where the agent saw last what the hub has at a path.
    private func place(ofHubs path: RelativePath, on agent: SimulatedAgent) -> RelativePath? {
        var names: [EntryName] = []
        var current = nodeOfHub(at: path)
        while let node = current, node != .root {
            guard let placement = agent.replica.node(node)?.local?.placement, placement.parent != .limbo
            else {
                return nil
            }
            names.append(placement.name)
            current = placement.parent
        }
        return current.map { _ in RelativePath(names.reversed()) }
    }
}
