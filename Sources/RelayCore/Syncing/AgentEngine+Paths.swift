// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// Where nodes stand in the local tree.

extension AgentEngine {
    /// The node's path in the local tree; nil if it, or a directory above it, is not there at present.
    func localPath(_ id: NodeID) throws(StateError) -> RelativePath? {
        var names: [EntryName] = []
        var current = id
        while current != .root {
            guard current != .limbo, missing[current] == nil,
                let placement = try replica.node(current)?.local?.placement,
                names.count < RelativePath.limitDepth
            else { return nil }
            names.append(placement.name)
            current = placement.parent
        }
        return RelativePath(names.reversed())
    }

    func localPath(_ placement: Placement) throws(StateError) -> RelativePath? {
        try localPath(placement.parent)?.appending(placement.name)
    }

    /// Whether the node's name, or that of a directory above it, vanished a moment ago.
    func isGone(_ id: NodeID) throws(StateError) -> Bool { try vanished(at: id) != nil }

    /// The node itself or the directory above it whose name vanished a moment ago.
    func vanished(at id: NodeID) throws(StateError) -> NodeID? {
        guard !missing.isEmpty else { return nil }
        var current = id
        for _ in 0..<RelativePath.limitDepth {
            if current == .root { return nil }
            guard missing[current] == nil, let placement = try replica.node(current)?.local?.placement,
                placement.parent != .limbo
            else { return current }
            current = placement.parent
        }
        // Deeper than any path: a tree that leads in a circle has no place for the node.
        return id
    }

    /// Whether the node is gone; if a directory above it is, the node goes on once that has turned up.
    func waitsForReturn(_ id: NodeID) throws(StateError) -> Bool {
        guard let vanished = try vanished(at: id) else { return false }
        if vanished != id { waits.insert(id, waitingFor: vanished) }
        return true
    }
}
