// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayFolder
import RelayStorage

typealias SyncEngine = AgentEngine<SQLiteReplica>

// What a verification asks the engine, a portion at a time, so that syncing goes on between.

extension FolderRun {
    /// The cursor, if the remote tree is what the hub had at it.
    func comparableCursor() -> Cursor? {
        look { engine, replica in engine.canCompareWithHub ? replica.cursor : nil } ?? nil
    }

    /// How the records differ from what was taken in; nil once the run is over.
    func differences(from records: [NodeRecord]) -> [Difference]? {
        look { engine, _ in try records.compactMap { try engine.difference(from: $0) } }
    }

    /// The nodes after one that the hub's index did not name, of a portion of all nodes; `rest` is the last
    /// of the portion, nil at the end. Nil once the run is over.
    func unnamed(
        by named: Set<NodeID>, head: Revision, after: NodeID?
    ) -> (found: [Difference], rest: NodeID?)? {
        walk(after: after) { engine, id in
            try named.contains(id) ? nil : engine.differenceOfUnnamed(id, head: head)
        }
    }

    /// What does not fit together in the records of a portion of all nodes.
    func flaws(after: NodeID?) -> (found: [Difference], rest: NodeID?)? {
        walk(after: after) { engine, id in try engine.flaw(in: id) }
    }

    private func walk(
        after: NodeID?, _ body: (SyncEngine, NodeID) throws -> Difference?
    ) -> (found: [Difference], rest: NodeID?)? {
        look { engine, replica in
            let ids = try replica.nodes(after: after, limit: Self.portion)
            let found = try ids.compactMap { try body(engine, $0) }
            return (found, ids.count < Self.portion ? nil : ids.last)
        }
    }

    private static var portion: Int { 500 }

    /// The revision that the hub must have a node of.
    func revision(of id: NodeID) -> Revision? { look { engine, _ in try engine.revision(of: id) } ?? nil }

    /// What a node is to be inspected for, of at most `limit` nodes after one; nil once the run is over.
    func inspections(after: NodeID?, limit: Int) -> (inspections: [Inspection], rest: NodeID?)? {
        look { engine, replica in
            let ids = try replica.nodes(after: after, limit: limit)
            let found = try ids.compactMap { try engine.inspection(of: $0) }
            return (found, ids.count < limit ? nil : ids.last)
        }
    }

    /// What one node is to be inspected for.
    func inspection(of id: NodeID) -> Inspection? {
        look { engine, _ in try engine.inspection(of: id) } ?? nil
    }

    /// How a directory differs from the local tree; nil if it is another directory by now, or changing.
    func differences(
        in id: NodeID, at path: RelativePath, _ directory: FileIdentity, _ entries: [FoundEntry],
        hidden: [EntryName]
    ) -> [Difference]? {
        look { engine, _ -> [Difference]? in
            guard try engine.inspection(of: id) == .directory(id, path),
                try engine.identity(ofDirectory: id) == directory
            else { return nil }
            return try engine.differences(in: id, at: path, entries, hidden: hidden)
        } ?? nil
    }

    func verdict(on id: NodeID, _ result: ReadResult, expecting: Fingerprint) -> ContentVerdict? {
        look { engine, _ in try engine.verdict(on: id, result, expecting: expecting) }
    }

    /// Whether what is not known of the folder may be known in a moment.
    func isObserving() -> Bool { look { engine, _ in engine.isObserving } ?? true || hasNews }
}
