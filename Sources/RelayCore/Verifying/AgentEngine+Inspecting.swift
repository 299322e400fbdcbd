// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// What the agent's index has, held against what was found on the disk. Nothing is changed by it.

/// What of a node is to be looked at on the disk.
package enum Inspection: Hashable, Sendable {
    /// The entries of a directory.
    case directory(NodeID, RelativePath)
    /// The bytes of a file, which is expected to be as it was.
    case file(NodeID, RelativePath, Fingerprint)
}

extension AgentEngine {
    /// What of a node is to be looked at; nil if there is nothing, or nothing that is expected: a file that
    /// waits to be read, say.
    package func inspection(of id: NodeID) throws(StateError) -> Inspection? {
        guard id != .root else { return .directory(.root, .root) }
        guard let local = try replica.node(id)?.local, !isBusy(id), let path = try localPath(id) else {
            return nil
        }
        switch local.kind {
        case .directory: return .directory(id, path)
        case .file:
            guard local.payload != nil, local.isTrusted else { return nil }
            return .file(id, path, local.fingerprint)
        case .symlink: return nil
        }
    }

    /// The identity that a directory of the local tree must have.
    package func identity(ofDirectory id: NodeID) throws(StateError) -> FileIdentity? {
        try identity(of: id)
    }

    /// How a directory's entries differ from those of the local tree.
    package func differences(
        in directory: NodeID, at path: RelativePath, _ entries: [FoundEntry], hidden: [EntryName]
    ) throws(StateError) -> [Difference] {
        var result: [Difference] = []
        var found = Set(hidden)
        for entry in entries {
            found.insert(entry.name)
            let placement = Placement(parent: directory, name: entry.name)
            if let difference = try difference(of: entry, at: placement, path.appending(entry.name)) {
                result.append(difference)
            }
        }
        for id in try replica.localChildren(of: directory) where missing[id] == nil && !isBusy(id) {
            guard let placement = try replica.node(id)?.local?.placement, !found.contains(placement.name)
            else { continue }
            result.append(
                Difference(
                    .missingOnDisk, at: path.appending(placement.name), "its removal was not noticed",
                    repair: .look(placement)))
        }
        return result
    }

    private func difference(
        of found: FoundEntry, at placement: Placement, _ path: RelativePath
    ) throws(StateError) -> Difference? {
        guard writing[placement] == nil, rescans[placement] == nil else { return nil }
        guard let id = try replica.localChild(placement), let local = try replica.node(id)?.local else {
            if rules != nil, try leavesOut(found, in: placement.parent) { return nil }
            return Difference(
                .unknownOnDisk, at: path, "a \(found.kind.kind.text) that was not noticed",
                repair: .look(placement))
        }
        guard !isBusy(id), missing[id] == nil else { return nil }
        let texts = differences(of: found, from: local)
        guard !texts.isEmpty else { return nil }
        return Difference(
            .changedOnDisk, at: path, texts.joined(separator: ", "), repair: .look(placement))
    }

    private func differences(of found: FoundEntry, from local: LocalState) -> [String] {
        guard found.kind.kind == local.kind else {
            return ["a \(found.kind.kind.text) instead of a \(local.kind.text)"]
        }
        switch (found.kind, local.payload) {
        case (.directory, .directory(let mode)?):
            guard found.fingerprint.identity == local.fingerprint.identity else { return ["another inode"] }
            return Payload.directory(mode: found.fingerprint.permissions).differences(
                from: .directory(mode: mode))
        case (.symlink(let target), .symlink(let known)?):
            return Payload.symlink(target: target).differences(from: .symlink(target: known))
        // What a file has must be what was found when it was last read.
        case (.file, _): return found.fingerprint.differences(from: local.fingerprint)
        default: return ["a record without what it holds"]
        }
    }

    /// What the bytes of a file, that was as `expected` when they were asked for, tell about its record.
    package func verdict(
        on id: NodeID, _ result: ReadResult, expecting expected: Fingerprint
    ) throws(StateError) -> ContentVerdict {
        guard let node = try replica.node(id), let local = node.local, local.fingerprint == expected,
            let content = local.payload?.content, local.isTrusted, !isBusy(id),
            try localPath(id) == result.path
        else { return .changing }
        switch result.outcome {
        case .failed(let problem): return .unreadable(problem.description)
        case .busy, .absent: return .changing
        case .content(let found, let fingerprint, _):
            // Another fingerprint is a change, which looking into the directory tells.
            guard fingerprint == expected else { return .changing }
            guard found.content != content else { return .equal }
            return .different(damage(of: node, content, found.content, expected, at: result.path))
        }
    }

    private func damage(
        of node: ReplicaNode, _ content: ContentID, _ found: ContentID, _ fingerprint: Fingerprint,
        at path: RelativePath
    ) -> Difference {
        if node.remote?.state?.payload.content == found {
            return Difference(
                .damagedRecord, at: path,
                "the index has content \(content.shortText), the disk and the hub have \(found.shortText)",
                repair: .read(node.id))
        }
        return Difference(
            .damagedOnDisk, at: path,
            "content \(found.shortText) instead of \(content.shortText), with the same size and times",
            repair: .ask(node.id, fingerprint))
    }
}
