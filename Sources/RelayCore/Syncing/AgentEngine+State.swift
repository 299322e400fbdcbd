// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A summary of an engine's state, for people and for those who wait.
package struct EngineState: Hashable, Sendable {
    /// Whether the folder was looked through since the start.
    package var isScanned: Bool
    package var isConnected: Bool
    /// Whether everything that the hub had when it was last heard of is known.
    package var isFollowing: Bool
    /// Whether nothing is to be done, as far as is known.
    package var isQuiet: Bool
    /// Nodes that are not in sync.
    package var pending: Int
    package var haltReason: String?

    /// Local scanned, nothing pending either way, and the hub's changes known.
    package var isInSync: Bool {
        isScanned && isConnected && isFollowing && isQuiet && pending == 0 && haltReason == nil
    }
}

extension AgentEngine {
    package var state: EngineState {
        EngineState(
            isScanned: isScanned, isConnected: isConnected, isFollowing: isFollowing,
            isQuiet: isQuiet, pending: unsettled.count, haltReason: haltReason)
    }

    private var isQuiet: Bool {
        scans.isEmpty && scanning == nil && rulesFile.due == nil && !rulesFile.isBeingRead
            && !rulesFile.isNew && missing.isEmpty && writing.isEmpty && rescans.isEmpty
            && rootScanDue == nil && reading.isEmpty && readQueue.isEmpty && largeReadQueue.isEmpty
            && applying == nil && proposal == nil && dirty.isEmpty
    }

    /// The node's path in the local tree or, if it is not there, in the remote one.
    package func anyPath(_ id: NodeID) throws(StateError) -> RelativePath? {
        if let path = try localPath(id) { return path }
        var names: [EntryName] = []
        var current = id
        while current != .root {
            guard let placement = try replica.node(current)?.remote?.state?.placement,
                names.count < RelativePath.limitDepth
            else { return nil }
            names.append(placement.name)
            current = placement.parent
        }
        return RelativePath(names.reversed())
    }
}
