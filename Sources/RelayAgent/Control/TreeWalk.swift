// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage

/// Walks the share's tree together with the folder's, in the order of the paths, in portions.
struct TreeWalk: Sendable {
    /// One name that one or both trees have.
    private struct Step: Sendable {
        var path: RelativePath
        var remote: NodeID?
        var local: NodeID?
    }
    /// What is to be reported next is last.
    private var stack: [Step] = []
    private static let portion = 2000

    var isFinished: Bool { stack.isEmpty }

    /// Whether neither tree has the path that was to be listed.
    let isUnknown: Bool

    /// Begins at a path.
    init(at path: RelativePath, in replica: SQLiteReplica) throws(StateError) {
        let remote = try replica.remoteNode(at: path)
        let local = try replica.localNode(at: path)
        isUnknown = remote == nil && local == nil
        guard !isUnknown else { return }
        let step = Step(path: path, remote: remote, local: local)
        if path.isRoot { try push(childrenOf: step, in: replica) } else { stack = [step] }
    }

    /// The next entries.
    mutating func next(
        in replica: SQLiteReplica, _ engine: AgentEngine<SQLiteReplica>
    ) throws(StateError) -> [EntryReport] {
        var entries: [EntryReport] = []
        while entries.count < Self.portion, let step = stack.popLast() {
            let remote = try step.remote.flatMap { id throws(StateError) in try replica.node(id) }
            let local =
                step.local == step.remote
                ? remote : try step.local.flatMap { id throws(StateError) in try replica.node(id) }
            if var entry = EntryReport(path: step.path, remote: remote, local: local) {
                try explain(&entry, remote, local, engine)
                entries.append(entry)
            }
            try push(childrenOf: step, in: replica)
        }
        return entries
    }

    /// Says why an entry is not in sync.
    private func explain(
        _ entry: inout EntryReport, _ remote: ReplicaNode?, _ local: ReplicaNode?,
        _ engine: AgentEngine<SQLiteReplica>
    ) throws(StateError) {
        // Where both trees have the name for different nodes, the one that does not belong holds things up.
        let culprit = remote?.isInSync == false ? remote : local?.isInSync == false ? local : remote ?? local
        guard let culprit, entry.state != .inSync || engine.isKnownDamaged(culprit) else { return }
        if engine.isIgnored(culprit.id) { entry.state = .ignored }
        let reason = try engine.reason(culprit.id)
        entry.cause = reason.hindrance
        entry.reason = reason.text
    }

    private mutating func push(childrenOf step: Step, in replica: SQLiteReplica) throws(StateError) {
        var names: [EntryName: Step] = [:]
        if let remote = step.remote {
            for id in try replica.remoteChildren(of: remote) {
                guard let name = try replica.node(id)?.remote?.state?.placement.name else { continue }
                names[name] = Step(path: step.path.appending(name), remote: id, local: nil)
            }
        }
        if let local = step.local {
            for id in try replica.localChildren(of: local) {
                guard let name = try replica.node(id)?.local?.placement.name else { continue }
                names[name, default: Step(path: step.path.appending(name), remote: nil, local: nil)].local =
                    id
            }
        }
        stack.append(contentsOf: names.sorted { $0.key > $1.key }.map(\.value))
    }
}

extension EntryReport {
    /// One row, from the node that the share has at a path and the node that the folder has there.
    fileprivate init?(path: RelativePath, remote: ReplicaNode?, local: ReplicaNode?) {
        let isLocalOnly = remote?.remote?.state == nil
        let state: State
        if isLocalOnly {
            state = .uploading
        } else if let remote, remote.id == local?.id {
            state = remote.isInSync ? .inSync : remote.isChangedHere ? .uploading : .downloading
        } else {
            state = .downloading
        }
        let shown = displayText(path.bytes)
        let pathBytes = Array(shown.utf8) == path.bytes ? nil : hexadecimal(path.bytes)
        if let payload = remote?.remote?.state?.payload ?? local?.local?.payload {
            self.init(path: shown, pathBytes: pathBytes, payload: payload, state: state)
        } else if let found = local?.local {
            self.init(
                path: shown, pathBytes: pathBytes, kind: found.kind.text,
                sizeBytes: found.kind == .file ? found.fingerprint.sizeBytes : nil,
                mode: found.fingerprint.permissions.octalText,
                modified: found.fingerprint.modified.decimalText,
                content: nil, state: state)
        } else {
            return nil
        }
    }

    private init(path: String, pathBytes: String?, payload: Payload, state: State) {
        switch payload {
        case .file(let file):
            self.init(
                path: path, pathBytes: pathBytes, kind: NodeKind.file.text, sizeBytes: file.sizeBytes,
                mode: file.mode.octalText, modified: file.modified.decimalText, content: "\(file.content)",
                state: state)
        case .directory(let mode):
            self.init(
                path: path, pathBytes: pathBytes, kind: NodeKind.directory.text, sizeBytes: nil,
                mode: mode.octalText, modified: nil, content: nil, state: state)
        case .symlink:
            self.init(
                path: path, pathBytes: pathBytes, kind: NodeKind.symlink.text, sizeBytes: nil, mode: nil,
                modified: nil, content: nil, state: state)
        }
    }
}

extension ReplicaNode {
    /// Whether the folder's side is not what was last agreed on.
    fileprivate var isChangedHere: Bool {
        guard let local else { return false }
        guard let base else { return true }
        return local.placement != base.placement || local.payload != base.payload || !local.isTrusted
    }
}
