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
        scans.isEmpty && scanning == nil && missing.isEmpty && writing.isEmpty && rescans.isEmpty
            && rootScanDue == nil && reading.isEmpty && readQueue.isEmpty && largeReadQueue.isEmpty
            && applying == nil && proposal == nil && dirty.isEmpty
    }

    /// Up to `limit` nodes that are not in sync or cannot be looked at, each with the reason.
    package func problems(limit: Int) throws(StateError) -> [(path: RelativePath, reason: String)] {
        var result: [(path: RelativePath, reason: String)] = []
        for id in unsettled.sorted().prefix(limit) {
            guard let path = try anyPath(id) else { continue }
            result.append((path, reason(id)))
        }
        if rootScanDue != nil { result.append((.root, reason(.root))) }
        for placement in rescans.keys.sorted() where result.count < limit {
            guard let id = try replica.localChild(placement) else {
                if let reason = unseen[placement], let path = try localPath(placement) {
                    result.append((path, reason))
                }
                continue
            }
            guard !unsettled.contains(id), problems[id] != nil, let path = try anyPath(id) else { continue }
            result.append((path, reason(id)))
        }
        return result
    }

    /// Why a node is not in sync.
    package func reason(_ id: NodeID) -> String {
        if let haltReason { return "halted: \(haltReason)" }
        if let problem = problems[id] { return problem }
        if reading[id] != nil || readQueue.contains(id) || largeReadQueue.contains(id) { return "being read" }
        if missing[id] != nil { return "vanished a moment ago" }
        if case .waiting(let devices)? = stagings[id]?.progress {
            return "its content is only on \(devices.joined(separator: ", ")), not online now"
        }
        if stagings[id] != nil { return "being fetched" }
        if applyingNodes.contains(id) { return "being applied" }
        if !isConnected { return "not connected to the hub" }
        if proposal?.nodes.contains(id) == true { return "being committed" }
        if waits.blocker(of: id) != nil { return "waits for another change" }
        return "in the queue"
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
