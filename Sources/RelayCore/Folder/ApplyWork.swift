// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A content to be brought into the folder's staging area, whole and verified, ready to be placed.
package struct StageRequest: Hashable, Sendable {
    package var node: NodeID
    package var payload: FilePayload
    /// The chunk list, if it is known here already.
    package var manifest: Manifest?
    /// The one chunk, if it came with the change.
    package var inline: EncodedChunk?
    /// A file in the folder that had this very content when it was last looked at.
    package var twin: LocalSource?
    /// The node's present file, whose chunks may serve, with its chunk list.
    package var previous: LocalSource?

    package init(
        node: NodeID, payload: FilePayload, manifest: Manifest?, inline: EncodedChunk?, twin: LocalSource?,
        previous: LocalSource?
    ) {
        self.node = node
        self.payload = payload
        self.manifest = manifest
        self.inline = inline
        self.twin = twin
        self.previous = previous
    }
}

/// A file in the folder as a source of chunks. Every chunk that is taken from it is verified.
package struct LocalSource: Hashable, Sendable {
    package var path: RelativePath
    package var fingerprint: Fingerprint
    /// Nil when the file is known to be the wanted content itself.
    package var manifest: Manifest?

    package init(path: RelativePath, fingerprint: Fingerprint, manifest: Manifest?) {
        self.path = path
        self.fingerprint = fingerprint
        self.manifest = manifest
    }
}

package enum StageOutcome: Hashable, Sendable {
    /// The staged file is complete, verified, and has its mode and times. It is on disk before it is placed.
    /// Its chunk list, verified too, if it had to be known.
    case ready(Manifest?)
    /// Nobody who is online has it; the engine asks again when told to, or after a while.
    case unavailable(waitingFor: [String])
    case failed(Problem)
}

/// What must be found where something is placed.
package enum Expectation: Hashable, Sendable {
    /// Nothing: an existing entry is left alone, and the step reports `occupied`.
    case nothing
    /// This file or link. It is displaced: kept beside under `conflictName` if `keep` says so or if it turns
    /// out to be something that nobody has seen yet, else removed.
    case entry(Fingerprint, keep: Bool, conflictName: EntryName)
}

/// One change of the folder. Each step checks what it finds before it takes effect for good.
package enum ApplyStep: Hashable, Sendable {
    case makeDirectory(RelativePath, mode: PermissionBits)
    case makeSymlink(RelativePath, target: [UInt8], over: Expectation)
    /// Places the file staged for the action's node with this content, or what the action carries.
    case placeFile(RelativePath, FilePayload, over: Expectation)
    /// Renames, never over anything. `identity` is what must be found at `from`; `expected`: what is known of
    /// a file whose content is known, to be told whether it stayed so.
    case move(from: RelativePath, to: RelativePath, identity: FileIdentity, expected: Fingerprint? = nil)
    /// Sets mode (and for files mtime), if the entry is still as `expected`.
    case setMetadata(RelativePath, expected: Fingerprint, mode: PermissionBits, modified: Timestamp?)
    /// Removes a file or link, if it is still as `expected`.
    case remove(RelativePath, expected: Fingerprint)
    /// Removes an empty directory.
    case removeDirectory(RelativePath, identity: FileIdentity)

    /// The path that the step is about; of a move, where it leads.
    package var path: RelativePath {
        switch self {
        case .makeDirectory(let path, _), .makeSymlink(let path, _, _), .placeFile(let path, _, _),
            .move(_, let path, _, _), .setMetadata(let path, _, _, _), .remove(let path, _),
            .removeDirectory(let path, _):
            path
        }
    }
}

/// A small content that came with the change. Nothing is known of it before it was verified.
package enum CarriedContent: Hashable, Sendable {
    case empty
    /// The one chunk.
    case chunk(EncodedChunk)
}

package struct ApplyAction: Hashable, Sendable {
    package var node: NodeID
    package var step: ApplyStep
    /// What a file that is placed holds, if it was not staged before: the step stages it too.
    package var carried: CarriedContent?
    /// What the directory must be that the step's path (of a move, the new one) lies in: there may meanwhile
    /// be another of that name. Nil: whatever has the name.
    package var directory: FileIdentity?

    package init(
        node: NodeID, step: ApplyStep, carried: CarriedContent? = nil, directory: FileIdentity? = nil
    ) {
        self.node = node
        self.step = step
        self.carried = carried
        self.directory = directory
    }
}

/// What became of one step. The outcomes of a batch are reported once all its successes are durable.
package enum ApplyOutcome: Hashable, Sendable {
    /// Done; what now stands at the path (nil after a removal).
    case done(Fingerprint?)
    /// A file was moved, which was as expected, and nobody could write into it meanwhile.
    case movedUnwritten(Fingerprint)
    /// Done, and the displaced entry now stands beside it under this name.
    case doneKeeping(Fingerprint, kept: EntryName, keptFingerprint: Fingerprint)
    /// Not done: something else than expected was found; look again.
    case changed
    /// Not done: the target's name is taken; look there.
    case occupied
    /// Not done: the entry, or the directory that it was to lie in, is not there; look again.
    case absent
    /// Not done: the directory has children; look into it.
    case notEmpty
    /// Not done: the staged file is gone, or what the action carried is another content; it must be staged
    /// (again).
    case unstaged
    /// Not done.
    case failed(Problem)

    package var isDone: Bool {
        switch self {
        case .done, .doneKeeping, .movedUnwritten: true
        case .changed, .occupied, .absent, .notEmpty, .unstaged, .failed: false
        }
    }
}

package struct ApplyResult: Hashable, Sendable {
    package var action: ApplyAction
    package var outcome: ApplyOutcome
    package init(action: ApplyAction, outcome: ApplyOutcome) {
        self.action = action
        self.outcome = outcome
    }
}
