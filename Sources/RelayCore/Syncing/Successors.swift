// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Files that took the place of others: a file that was renamed over another one is, to the share, the other
/// one with another content, and the file itself was removed.
///
/// Whoever removes or overwrites the successor meanwhile knows nothing of what is in it now, so that this
/// does not count, unless the hub has it after the removal of the predecessor: then he sees that, and decides
/// on his own files. Without this, two who rename a file over different others remove it together.
struct Successors {
    private struct Succession {
        var predecessor: NodeID
        /// When the hub had the predecessor removed, if it has.
        var acceptedAt: Revision?
    }
    /// The files that nodes took from others which still were known to have them. Two names that had one file
    /// from the beginning, as hard links, took it from nobody.
    private var takings: [NodeID: FileIdentity] = [:]
    private var successions: [NodeID: Succession] = [:]
    private var successors: [NodeID: NodeID] = [:]
    /// So many are kept in mind: more renames over other files than anybody makes before the hub answers.
    private static let limit = 10_000

    /// The node's name leads to another file now, which another node's led to a moment ago.
    mutating func noteTaking(of file: FileIdentity, by node: NodeID) {
        if takings.count >= Self.limit { takings = [:] }
        takings[node] = file
    }

    /// Whether one of two nodes that have this file took it from the other.
    func wasTaken(_ file: FileIdentity, between first: NodeID, and second: NodeID) -> Bool {
        takings[first] == file || takings[second] == file
    }

    /// The file of a node that was removed is another node's now.
    mutating func insert(_ successor: NodeID, of predecessor: NodeID) {
        remove(successor)
        if let former = successors[predecessor] { remove(former) }
        guard successions.count < Self.limit else { return }
        successions[successor] = Succession(predecessor: predecessor)
        successors[predecessor] = successor
    }

    /// The hub has the node removed.
    mutating func accepted(_ predecessor: NodeID, at revision: Revision) {
        guard let successor = successors[predecessor] else { return }
        successions[successor]?.acceptedAt = revision
    }

    /// The node is not removed after all.
    mutating func refused(_ predecessor: NodeID) {
        if let successor = successors[predecessor] { remove(successor) }
    }

    /// Whether it does not count that the node was removed or overwritten at this revision. `isPending`:
    /// whether a predecessor, whose removal the hub is not known to have, is still to be removed.
    func outlives(
        _ successor: NodeID, lossAt revision: Revision, isPending: (NodeID) throws(StateError) -> Bool
    ) throws(StateError) -> Bool {
        guard let succession = successions[successor] else { return false }
        if let acceptedAt = succession.acceptedAt { return acceptedAt > revision }
        return try isPending(succession.predecessor)
    }

    /// All that the hub has up to this revision is known.
    mutating func forget(through revision: Revision) {
        for (successor, succession) in successions {
            if let accepted = succession.acceptedAt, accepted <= revision { remove(successor) }
        }
    }

    private mutating func remove(_ successor: NodeID) {
        guard let succession = successions.removeValue(forKey: successor) else { return }
        successors[succession.predecessor] = nil
    }
}
