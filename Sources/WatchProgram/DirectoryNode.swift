// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import RelayCore

/// A directory that is known, with its place. Its watch stays with it when it is moved, so that a rename,
/// of however much, is a change of one parent and name.
final class DirectoryNode {
    enum State: Hashable {
        case watched(Int32)
        /// No watch is to be had at the moment, or no descriptor. Nothing beneath it is known.
        case limited
        /// Not ours to read at the moment. Nothing beneath it is known.
        case unreadable
        /// The watch is gone, and so is the directory.
        case dead
    }

    /// Where it is; nil for the root, and for what has left its place and is not known to be elsewhere.
    private(set) unowned var parent: DirectoryNode?
    private(set) var name: EntryName?
    private(set) var children: [EntryName: DirectoryNode] = [:]
    var state: State
    /// Nil if it was never opened.
    var identity: DirectoryIdentity?
    /// Whether something was not hinted because the place was unknown.
    var hasMissedHints = false

    init(state: State, identity: DirectoryIdentity?) {
        self.state = state
        self.identity = identity
    }

    /// Puts a node without a place into this directory, at a name that is free.
    func attach(_ node: DirectoryNode, as name: EntryName) {
        children[name] = node
        node.parent = self
        node.name = name
    }

    /// Takes the node out of its parent. Its children stay with it.
    func detach() {
        if let name { parent?.children.removeValue(forKey: name) }
        parent = nil
        name = nil
    }

    /// The node at the top: the root, or the one that has left its place.
    var top: DirectoryNode {
        var node = self
        while let parent = node.parent { node = parent }
        return node
    }

    /// Whether this is `other`, or lies beneath it.
    func isWithin(_ other: DirectoryNode) -> Bool {
        var node: DirectoryNode? = self
        while let current = node {
            if current === other { return true }
            node = current.parent
        }
        return false
    }

    /// The names from the top down to here, the top's not included.
    var namesFromTop: [EntryName] {
        var result: [EntryName] = []
        var node = self
        while let parent = node.parent, let name = node.name {
            result.append(name)
            node = parent
        }
        result.reverse()
        return result
    }
}
