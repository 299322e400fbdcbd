// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage
import Synchronization

// Waiting for the folder to be as it should.

extension FolderRun {
    /// Whether the run goes on, for those who wait.
    nonisolated var isOver: Bool { ended.value != nil || Task.isCancelled }

    /// Whether there is something that the engine was not told of yet.
    nonisolated var hasNews: Bool { parts.lane.hasHints || !mailbox.isEmpty }

    /// Whether nothing is to be done, as far as is known.
    nonisolated var isInSync: Bool {
        // In this order: hints go from the lane to the mailbox.
        !hasNews && snapshot.withLock { $0.engine?.isInSync ?? false } && mailbox.isEmpty
            && ended.value == nil
    }

    /// Returns once everything that was changed here or on the hub before the call is the same on both:
    /// true; false when the run is over or the task is cancelled.
    nonisolated func waitUntilInSync() async -> Bool {
        // A change of a moment ago may not have been hinted at yet.
        post(.rescan)
        await takeTurn()
        guard await hearEverything() else { return false }
        return await wait { run in run.isInSync }
    }

    /// Returns once all that the hub has to tell at the call is known; false when the run is over.
    nonisolated func hearEverything() async -> Bool {
        while !isOver {
            let generation = turned.generation
            if await parts.link.hearEverything() {
                await takeTurn()
                return !isOver
            }
            await turned.wait(after: generation)
        }
        return false
    }

    /// Returns true once the condition holds; it is looked at after each turn. False when the run is over.
    nonisolated func wait(until condition: (FolderRun) async -> Bool) async -> Bool {
        while !isOver {
            let generation = turned.generation
            if await condition(self) { return true }
            await turned.wait(after: generation)
        }
        return false
    }

    private func takeTurn() { turn() }

    /// Where the wait for a path of the share stands.
    enum Arrival: Sendable, Equatable {
        case here
        case pending(NodeID)
        case unknown
        /// The folder's rules leave it out.
        case ignored
    }

    /// Whether the folder holds what the share has at a path, and all beneath it. `suspect` is looked at
    /// first: a node that was pending a moment ago.
    func arrival(of path: RelativePath, suspect: NodeID?) -> Arrival? {
        look { engine, replica in
            if let suspect, let node = try replica.node(suspect), node.remote?.state != nil, !node.isHere,
                !engine.isIgnored(suspect)
            {
                return .pending(suspect)
            }
            guard let target = try replica.remoteNode(at: path) else {
                // What the folder alone has is about to be told.
                return try replica.localNode(at: path).map { .pending($0) } ?? .unknown
            }
            if engine.isIgnored(target) { return .ignored }
            var stack = [target]
            while let id = stack.popLast() {
                if engine.isIgnored(id) { continue }
                if id != .root {
                    guard let node = try replica.node(id), node.isHere else { return .pending(id) }
                    guard case .directory? = node.remote?.state?.payload else { continue }
                }
                stack.append(contentsOf: try replica.remoteChildren(of: id))
            }
            return .here
        }
    }

    /// Waits until the folder holds what the share has at a path; nil when the run is over.
    nonisolated func download(
        _ path: RelativePath, _ progress: DownloadProgress
    ) async -> Result<Bool, ControlError>? {
        guard await hearEverything() else { return nil }
        post(.retryStaging)
        var obstacle: ControlError?
        var isHinted = false
        let isHere = await wait { run in
            switch await run.arrival(of: path, suspect: progress.pending) {
            case .here: return true
            case .pending(let node):
                progress.pending = node
                return false
            case .unknown:
                // Somebody may have put it into the folder a moment ago.
                switch await run.sight(of: path) {
                case .nothing: obstacle = .notFound("nothing at \(path) in the share")
                case .leftOut: obstacle = Self.leftOut(path)
                case .unclear(let error): obstacle = error
                case .seen, .unseen:
                    if !isHinted { run.hint(at: path) }
                    isHinted = true
                case nil: break
                }
                return obstacle != nil
            case .ignored:
                obstacle = Self.leftOut(path)
                return true
            case nil: return false
            }
        }
        guard isHere else { return nil }
        return obstacle.map { .failure($0) } ?? .success(true)
    }

    /// Begins to list what is at a path.
    func beginWalk(at path: RelativePath) -> TreeWalk? {
        look { _, replica in try TreeWalk(at: path, in: replica) }
    }

    /// The next portion of a list.
    func walk(_ walk: TreeWalk) -> (rest: TreeWalk, entries: [EntryReport])? {
        look { engine, replica in
            var walk = walk
            let entries = try walk.next(in: replica, engine)
            return (walk, entries)
        }
    }

    /// Why the run is over, for those who asked it for something.
    nonisolated var endText: String { "the folder is halted: \(ended.value ?? "unknown")" }

    /// Why a node is not in sync.
    func reason(_ node: NodeID) -> String {
        look { engine, _ in
            let path = try engine.anyPath(node)?.description ?? "it"
            let reason = try engine.reason(node)
            return "\(path): \(reason.text)"
        } ?? "it is not known"
    }
}

extension ReplicaNode {
    /// Whether the folder holds what the hub has, in the same place.
    var isHere: Bool {
        guard let local, let state = remote?.state, let payload = local.payload else { return false }
        return local.placement == state.placement && payload.hasSameContent(as: state.payload)
    }
}

extension SQLiteReplica {
    /// The node that the remote tree has at this path.
    func remoteNode(at path: RelativePath) throws(StateError) -> NodeID? {
        var current = NodeID.root
        for name in path.components {
            guard let child = try remoteChild(Placement(parent: current, name: name)) else { return nil }
            current = child
        }
        return current
    }

    /// The node that the local tree has at this path.
    func localNode(at path: RelativePath) throws(StateError) -> NodeID? {
        var current = NodeID.root
        for name in path.components {
            guard let child = try localChild(Placement(parent: current, name: name)) else { return nil }
            current = child
        }
        return current
    }
}
