// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
package import RelayCore
import Synchronization
import SystemPackage

extension SharedFolder {
    /// Carries out the steps in order, and reports what became of each once all successes are on disk.
    ///
    /// Nothing that stands in the folder is replaced or removed unseen: what a step displaces is looked at
    /// after it was taken out of its place, when nobody can put another in its stead. If the disk refuses to
    /// make the batch durable, every success of it is reported as failed.
    package func apply(_ actions: [ApplyAction]) -> [ApplyResult] {
        lane.withLock { memory in
            // Nothing is even staged in a closed folder: another run may be at work there.
            guard !isClosed else {
                return actions.map { action in
                    let problem = Problem.closed(cannot: action.step.verb, action.step.path)
                    return ApplyResult(action: action, outcome: .failed(problem))
                }
            }
            renewOwnDirectories()
            var staged = BatchStage(actions, in: self)
            var batch = ApplyBatch(folder: self, memory: memory)
            var results: [ApplyResult] = []
            results.reserveCapacity(actions.count)
            for (index, action) in actions.enumerated() {
                let outcome = batch.perform(action, placing: staged.files[index])
                if outcome.isDone { staged.wasPlaced(index) }
                results.append(ApplyResult(action: action, outcome: outcome))
            }
            staged.discardRest(in: self)
            Failpoint.stepsDone.reach()
            do throws(Errno) {
                try batch.sync()
                Failpoint.stepsSynced.reach()
            } catch {
                for index in results.indices where results[index].outcome.isDone {
                    let path = results[index].action.step.path
                    results[index].outcome = .failed(Problem(error, cannot: "make durable", path))
                }
            }
            memory = batch.memory
            return results
        }
    }
}

extension ApplyStep {
    /// The directories whose entries the step changes, each with its path before and, if it is another, after
    /// the step.
    var changedDirectories: [[RelativePath]] {
        if case .move(let from, let to, _, _) = self { return [[from.parent], [from, to], [to.parent]] }
        return [[path.parent]]
    }

    fileprivate var isAllowed: Bool {
        guard !path.isRoot, !SharedFolder.isOwn(path) else { return false }
        guard case .move(let from, _, _, _) = self else { return true }
        return !from.isRoot && !SharedFolder.isOwn(from) && !path.isWithin(from)
    }

    var verb: String {
        switch self {
        case .makeDirectory: "make the directory"
        case .makeSymlink: "make the link"
        case .placeFile: "place"
        case .move: "move to"
        case .setMetadata: "set the mode of"
        case .remove: "remove"
        case .removeDirectory: "remove the directory"
        }
    }
}

/// One call of `apply`.
struct ApplyBatch {
    let folder: SharedFolder
    let park: Park
    var memory: ParkMemory
    private var directories: DirectoryCache
    /// What is being carried out, and the staged file for it.
    private var current: ApplyAction?
    private var currentFile = StagedFile.none
    private var touched: [ObjectIdentifier: Directory] = [:]
    private var syncedFiles = 0
    private var mustSyncAll = false
    /// With more changed directories than this, the whole file system is synced at once.
    private static let syncedDirectories = 8

    init(folder: SharedFolder, memory: ParkMemory) {
        self.folder = folder
        self.memory = memory
        park = Park(folder: folder)
        directories = DirectoryCache(root: folder.root)
    }

    /// `placing`: the staged file that the action places.
    mutating func perform(_ action: ApplyAction, placing file: StagedFile = .none) -> ApplyOutcome {
        let step = action.step
        current = action
        currentFile = file
        if folder.isClosed { return .failed(.closed(cannot: step.verb, step.path)) }
        guard step.isAllowed else {
            return .failed(Problem(.unsupported, "cannot \(step.verb) \(step.path): the name is reserved"))
        }
        if case .failed(let error) = file { return .failed(Problem(error, cannot: "stage", step.path)) }
        do throws(Errno) {
            do throws(Errno) {
                return try carryOut(action)
            } catch {
                guard error == .permissionDenied else { throw error }
                return try carryOutLoosened(action)
            }
        } catch {
            return outcome(of: error, step)
        }
    }

    private mutating func carryOut(_ action: ApplyAction) throws(Errno) -> ApplyOutcome {
        switch action.step {
        case .makeDirectory(let path, let mode): try makeDirectory(path, mode: mode)
        case .makeSymlink(let path, let target, let expectation):
            try place(.link(target: target), at: path, over: expectation)
        case .placeFile(let path, let payload, let expectation):
            try placeStaged(payload.content, at: path, over: expectation)
        case .move(let from, let to, let identity, let expected):
            try move(from, to: to, identity: identity, expected: expected)
        case .setMetadata(let path, let expected, let mode, let modified):
            try setMetadata(path, expected: expected, mode: mode, modified: modified)
        case .remove(let path, let expected): try remove(path, expected: expected)
        case .removeDirectory(let path, let identity): try removeDirectory(path, identity: identity)
        }
    }

    private mutating func placeStaged(
        _ content: ContentID, at path: RelativePath, over expectation: Expectation
    ) throws(Errno) -> ApplyOutcome {
        guard let name = currentFile.name else { return .unstaged }
        return try place(.staged(name: name, content: content), at: path, over: expectation)
    }

    private mutating func outcome(of error: Errno, _ step: ApplyStep) -> ApplyOutcome {
        switch error {
        case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels: .absent
        case .fileExists: otherSpelling(at: step) ?? hiddenObstacle(at: step) ?? .occupied
        case .directoryNotEmpty: hiddenEntries(in: step) ?? .notEmpty
        default: .failed(Problem(error, cannot: step.verb, step.path))
        }
    }

    /// Looking again would not help where the name leads to an entry that is listed under another.
    private mutating func otherSpelling(at step: ApplyStep) -> ApplyOutcome? {
        guard let (parent, name) = try? parent(of: step.path),
            let other = try? Spelling.other(than: name, in: parent), let otherName = EntryName(other)
        else { return nil }
        return .failed(
            Problem(
                .obstructed,
                "cannot \(step.verb) \(step.path): \(otherName) is there, and this disk takes both"
                    + " names for one; rename one of them"))
    }

    /// Nor where it is taken by something that is never reported.
    private mutating func hiddenObstacle(at step: ApplyStep) -> ApplyOutcome? {
        guard let (parent, name) = try? parent(of: step.path), let status = try? parent.status(name),
            status.kind == .other || status.isMountRoot
        else { return nil }
        return .failed(
            Problem(
                .obstructed, "cannot \(step.verb) \(step.path): a pipe, socket, device or mount is there"))
    }

    /// Nor where all that is left in a directory is never reported.
    private mutating func hiddenEntries(in step: ApplyStep) -> ApplyOutcome? {
        guard let directory = try? directories.directory(at: step.path), let names = try? directory.names()
        else { return nil }
        for name in names {
            guard let status = try? directory.status(name.bytes), status.kind == .other || status.isMountRoot
            else { return nil }
        }
        return names.isEmpty
            ? nil
            : .failed(
                Problem(
                    .obstructed,
                    "cannot \(step.verb) \(step.path): it holds pipes, sockets, devices or mounts"))
    }

    // MARK: Directories

    /// Opens the directory that a path lies in. Another than the one that the step is meant for is as good as
    /// none.
    mutating func parent(of path: RelativePath) throws(Errno) -> (Directory, name: [UInt8]) {
        guard let name = path.name else { throw .invalidArgument }
        guard let current, let expected = current.directory, path == current.step.path else {
            return (try directories.directory(at: path.parent), name.bytes)
        }
        let (directory, identity) = try directories.identified(at: path.parent)
        if identity != expected { throw .noSuchFileOrDirectory }
        return (directory, name.bytes)
    }

    /// Notes that a directory's entries have changed.
    mutating func touch(_ directory: Directory) {
        guard !mustSyncAll else { return }
        touched[ObjectIdentifier(directory)] = directory
        guard touched.count > Self.syncedDirectories else { return }
        // None of them needs to be held any longer.
        mustSyncAll = true
        touched = [:]
    }

    /// To be called when directories may have moved.
    mutating func forgetDirectories() { directories.forget() }

    /// Makes a change of mode or time durable: at once for a few, with the whole batch for many.
    mutating func syncMetadata(_ entry: borrowing Descriptor) throws(Errno) {
        syncedFiles += 1
        if syncedFiles > Self.syncedDirectories { mustSyncAll = true } else { try entry.sync() }
    }

    mutating func syncAll() { mustSyncAll = true }

    /// Makes all changes of directory entries durable.
    func sync() throws(Errno) {
        if !mustSyncAll, touched.values.allSatisfy(\.isReadable) {
            for directory in touched.values { try directory.descriptor.sync() }
        } else {
            let number = folder.root.descriptor.number
            _ = try Kernel.retrying { relay_syncfs(number) }
        }
    }

    /// Carries out a step in directories of our own that are write-protected: they are made writable for
    /// that long.
    private mutating func carryOutLoosened(_ action: ApplyAction) throws(Errno) -> ApplyOutcome {
        var loosened: [LoosenedDirectory] = []
        defer { for directory in loosened.reversed() { directory.tighten(in: park) } }
        for paths in action.step.changedDirectories {
            guard let path = paths.first, let directory = try? directories.directory(at: path) else {
                continue
            }
            if let opened = try LoosenedDirectory(directory, at: paths, in: park) { loosened.append(opened) }
        }
        if loosened.isEmpty { throw .permissionDenied }
        return try carryOut(action)
    }
}
