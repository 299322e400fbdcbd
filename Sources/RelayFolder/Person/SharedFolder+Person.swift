// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore
import Synchronization
import SystemPackage

extension SharedFolder {
    /// Puts a person's upload, whose bytes were staged under a node of its own, at a path: over whatever
    /// file or link is there. A file that somebody still writes into, or has changed this moment, stays
    /// beside as a conflict copy. The directory must be there.
    package func adoptUpload(
        _ upload: StageFile, at path: RelativePath, mode: PermissionBits, modified: Timestamp?
    ) throws(Problem) {
        try check(path, cannot: "put the upload at")
        try upload.finish(sizeBytes: nil, mode: mode, modified: modified)
        Failpoint.uploadStaged.reach()
        for _ in 0..<Self.adoptions {
            let outcome = place(upload, at: path)
            switch outcome {
            case .done, .doneKeeping, .movedUnwritten: return
            case .occupied, .changed, .absent: continue
            case .failed(let problem): throw problem
            case .unstaged: throw Problem(.other, "cannot put the upload at \(path): its staged file is gone")
            case .notEmpty: throw Problem(.other, "cannot put the upload at \(path): a directory is there")
            }
        }
        throw Problem(.other, "cannot put the upload at \(path): no file can be placed there")
    }

    /// How often a place that changes under the upload is looked at again.
    private static let adoptions = 4

    private func place(_ upload: StageFile, at path: RelativePath) -> ApplyOutcome {
        lane.withLock { memory in
            var batch = ApplyBatch(folder: self, memory: memory)
            defer { memory = batch.memory }
            do throws(Errno) {
                let outcome = try batch.adopt(upload.name, at: path)
                try batch.sync()
                return outcome
            } catch {
                return .failed(Problem(error, cannot: "put the upload at", path))
            }
        }
    }

    /// Makes a directory and those above it that are missing.
    package func makeDirectories(_ path: RelativePath) throws(Problem) {
        if path.isRoot { return }
        try check(path, cannot: "make the directory")
        do throws(Errno) {
            try lane.withLock { _ throws(Errno) in
                var current = root
                for name in path.components {
                    do throws(Errno) {
                        try Kernel.makeDirectory(current.descriptor, name.bytes, mode: 0o777)
                        Failpoint.wantedDirectoryMade.reach()
                        if current.isReadable { try current.descriptor.sync() }
                    } catch {
                        if error != .fileExists { throw error }
                    }
                    current = try current.directory(at: RelativePath([name]))
                }
            }
        } catch {
            throw Problem(error, cannot: "make the directory", path)
        }
    }

    /// Removes an entry and all beneath it, at a person's wish; links are removed, never followed, and a
    /// mount point stops it.
    package func removeTree(_ path: RelativePath) throws(Problem) {
        try check(path, cannot: "delete")
        do throws(Errno) {
            try lane.withLock { _ throws(Errno) in
                try TreeRemoval(root: root).remove(path)
                let parent = try root.directory(at: path.parent)
                if parent.isReadable { try parent.descriptor.sync() }
            }
        } catch {
            throw Problem(error, cannot: "delete", path)
        }
    }

    private func check(_ path: RelativePath, cannot verb: String) throws(Problem) {
        if isClosed { throw .closed(cannot: verb, path) }
        if path.isRoot { throw Problem(.unsupported, "cannot \(verb) the root of the folder") }
        if Self.isOwn(path) { throw Problem(.unsupported, "cannot \(verb) \(path): the name is reserved") }
    }
}

extension ApplyBatch {
    /// Places a staged file over what is there now.
    mutating func adopt(_ staged: [UInt8], at path: RelativePath) throws(Errno) -> ApplyOutcome {
        guard let name = path.name else { return .absent }
        let (parent, bytes) = try parent(of: path)
        if folder.fileSystem.foldsNames, let other = try Spelling.other(than: bytes, in: parent),
            let otherName = EntryName(other)
        {
            return try adopt(staged, at: path.parent.appending(otherName))
        }
        guard let present = try parent.statusIfPresent(bytes) else {
            return try outcomeOfPlacing { batch throws(Errno) in
                try batch.place(.upload(name: staged), at: path, over: .nothing)
            }
        }
        if present.kind == .directory { return .notEmpty }
        let conflictName = ConflictName.name(for: name, device: "local edit", date: .now(), attempt: 1)
        return try outcomeOfPlacing { batch throws(Errno) in
            try batch.place(
                .upload(name: staged), at: path,
                over: .entry(present.fingerprint, keep: false, conflictName: conflictName))
        }
    }

    /// A name that was taken or given up meanwhile is worth another look.
    private mutating func outcomeOfPlacing(
        _ place: (inout ApplyBatch) throws(Errno) -> ApplyOutcome
    ) throws(Errno) -> ApplyOutcome {
        do throws(Errno) {
            return try place(&self)
        } catch {
            if error == .fileExists { return .occupied }
            if error == .noSuchFileOrDirectory { return .absent }
            throw error
        }
    }
}

/// Removes a tree, bottom up. Deep trees are walked by path, so that descriptors do not run out.
private struct TreeRemoval {
    let root: Directory

    func remove(_ path: RelativePath) throws(Errno) {
        guard let name = path.name else { throw .invalidArgument }
        let parent = try root.directory(at: path.parent)
        if try parent.status(name.bytes).kind != .directory { return try parent.unlink(name.bytes) }
        var pending = [path]
        while let current = pending.last {
            let subdirectories = try emptyOfFiles(current)
            if subdirectories.isEmpty {
                Failpoint.treeEmptied.reach()
                pending.removeLast()
                try removeEmpty(current)
            } else {
                pending += subdirectories
            }
        }
    }

    /// Removes all entries but directories, and returns those.
    private func emptyOfFiles(_ path: RelativePath) throws(Errno) -> [RelativePath] {
        let directory = try root.directory(at: path)
        var subdirectories: [RelativePath] = []
        for name in try directory.names() {
            guard let status = try directory.statusIfPresent(name.bytes) else { continue }
            if status.isMountRoot { throw .improperLink }
            if status.kind == .directory {
                subdirectories.append(path.appending(name))
            } else {
                try directory.unlink(name.bytes)
            }
        }
        return subdirectories
    }

    private func removeEmpty(_ path: RelativePath) throws(Errno) {
        guard let name = path.name else { throw .invalidArgument }
        let parent = try root.directory(at: path.parent)
        do throws(Errno) {
            try Kernel.removeDirectory(parent.descriptor, name.bytes)
        } catch {
            if error != .noSuchFileOrDirectory { throw error }
        }
    }
}
