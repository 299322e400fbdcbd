// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import RelayCore
import SystemPackage

extension ApplyBatch {
    mutating func makeDirectory(_ path: RelativePath, mode: PermissionBits) throws(Errno) -> ApplyOutcome {
        let (parent, name) = try parent(of: path)
        try Kernel.makeDirectory(parent.descriptor, name, mode: 0o700)
        Failpoint.directoryMade.reach()
        touch(parent)
        // By descriptor, so that nothing else than a directory is ever given the mode.
        let made = try parent.open(name, O_RDONLY | O_DIRECTORY)
        try made.setModeIfPossible(PermissionMode(mode.rawValue))
        return .done(try Kernel.status(made).fingerprint)
    }

    mutating func move(
        _ from: RelativePath, to: RelativePath, identity: FileIdentity, expected: Fingerprint? = nil
    ) throws(Errno) -> ApplyOutcome {
        let (source, oldName) = try parent(of: from)
        let (target, newName) = try parent(of: to)
        // As long as the lease is held, nobody can write into the file, so that the new status time hides no
        // edit: the file need not be read again.
        let lease = expected == nil ? nil : ReadLease(in: source, oldName)
        let before = try source.status(oldName)
        guard before.identity == identity, !before.isMountRoot else { return .changed }
        forgetDirectories()
        do throws(Errno) {
            try folder.renameNoReplace(source, oldName, to: target, newName)
        } catch {
            if error == .improperLink, before.kind == .directory, folder.fileSystem.hasFixedDirectories {
                touch(source)
                touch(target)
                let move = EntrywiseMove(folder: folder, source: source, target: target)
                return .done(try move.carryOut(oldName, to: newName))
            }
            guard error == .fileExists, try isSameName(oldName, newName, source, target) else { throw error }
            try respell(from, before, in: source, oldName, as: newName)
        }
        Failpoint.moved.reach()
        touch(source)
        touch(target)
        let moved = try target.status(newName)
        if moved.identity == identity {
            let isAsExpected =
                before.fingerprint == expected
                && moved.fingerprint.isUnchangedButForLinks(before.fingerprint)
            let isUnwritten = isAsExpected && lease.map { Self.covers($0, moved) } == true
            return isUnwritten ? .movedUnwritten(moved.fingerprint) : .done(moved.fingerprint)
        }
        // Somebody put another entry in its place just before: that one goes back.
        try folder.renameNoReplace(target, newName, to: source, oldName)
        return .changed
    }

    /// Whether the lease was, up to now, on the very file.
    private static func covers(_ lease: ReadLease, _ moved: EntryStatus) -> Bool {
        let leased = try? Kernel.status(lease.descriptor).fingerprint
        return lease.isStillHeld && leased == moved.fingerprint
    }

    /// Whether both names lead to the very entry that is to be renamed, and not by two hard links: on a file
    /// system that folds names.
    private func isSameName(
        _ oldName: [UInt8], _ newName: [UInt8], _ source: Directory, _ target: Directory
    ) throws(Errno) -> Bool {
        guard try source.status().identity == target.status().identity else { return false }
        return try Spelling.other(than: newName, in: target) == oldName
    }

    /// Changes the spelling of a name. The kernel renames nothing where both names are one, so the entry
    /// takes the way through the park.
    private mutating func respell(
        _ path: RelativePath, _ entry: EntryStatus, in directory: Directory, _ oldName: [UInt8],
        as newName: [UInt8]
    ) throws(Errno) {
        guard let conflictName = EntryName(newName) else { throw .invalidArgument }
        let id = Park.makeID()
        let record = ParkRecord(
            .displacing, keep: true, expected: entry.fingerprint, placed: nil, conflictName: conflictName,
            path: path)
        try park.write(record, for: id)
        do throws(Errno) {
            try Kernel.rename(directory.descriptor, oldName, to: park.directory.descriptor, id, .replace)
        } catch {
            park.forget(id)
            throw error
        }
        do throws(Errno) {
            try folder.renameNoReplace(park.directory, id, to: directory, newName)
        } catch {
            // Where that name is taken too, a later look into the park finds it another one.
            try folder.renameNoReplace(park.directory, id, to: directory, oldName)
            park.forget(id)
            throw error
        }
        park.forget(id)
    }

    mutating func setMetadata(
        _ path: RelativePath, expected: Fingerprint, mode: PermissionBits, modified: Timestamp?
    ) throws(Errno) -> ApplyOutcome {
        let (parent, name) = try parent(of: path)
        let entry = try parent.open(name, RELAY_O_PATH)
        // As long as the lease is held, nobody can open the file to write into it, so that setting its time
        // cannot hide an edit. Where somebody has it open already, that can: then it is to be read again.
        let lease = ReadLease(in: parent, name)
        let before = try Kernel.status(entry)
        guard Self.isAsExpected(before, expected) else { return .changed }
        guard before.kind == .file || before.kind == .directory else {
            return .failed(Problem(.unsupported, "cannot set the mode of \(path): links have none"))
        }
        try entry.setModeByPath(PermissionMode(mode.rawValue))
        Failpoint.modeSet.reach()
        if let modified, before.kind == .file {
            try entry.setModified(seconds: modified.seconds, nanoseconds: modified.nanoseconds)
        }
        Failpoint.timeSet.reach()
        let after = try Kernel.status(entry).fingerprint
        if let lease { try syncMetadata(lease.descriptor) } else { syncAll() }
        if before.kind == .directory { return .done(after) }
        guard after.sizeBytes == expected.sizeBytes, after.modified == modified ?? expected.modified else {
            return .changed
        }
        // Where the file system does not take the mode, it would be set over and over.
        let isLasting = after.permissions == mode
        return lease?.isHeld == false && isLasting ? .changed : .done(after)
    }

    /// A directory's size and times change with its entries; it is known by what it is and its mode.
    private static func isAsExpected(_ status: EntryStatus, _ expected: Fingerprint) -> Bool {
        guard status.kind == .directory else { return status.fingerprint == expected }
        return status.identity == expected.identity && status.fingerprint.mode == expected.mode
    }

    mutating func removeDirectory(
        _ path: RelativePath, identity: FileIdentity
    ) throws(Errno) -> ApplyOutcome {
        let (parent, name) = try parent(of: path)
        let status = try parent.status(name)
        guard status.kind == .directory, status.identity == identity else { return .changed }
        forgetDirectories()
        try Kernel.removeDirectory(parent.descriptor, name)
        Failpoint.directoryRemoved.reach()
        touch(parent)
        return .done(nil)
    }

    mutating func remove(_ path: RelativePath, expected: Fingerprint) throws(Errno) -> ApplyOutcome {
        let (parent, name) = try parent(of: path)
        guard let entryName = path.name else { return .absent }
        let before = try parent.status(name)
        guard before.fingerprint == expected, before.kind == .file || before.kind == .symlink,
            !before.isMountRoot
        else { return .changed }
        let id = Park.makeID()
        let record = ParkRecord(
            .removed, expected: expected, placed: nil,
            conflictName: ConflictName.name(
                for: entryName, device: "local edit", date: .now(), attempt: 1),
            path: path)
        try writeIfRoom(record, for: id)
        Failpoint.removalRecorded.reach()
        do throws(Errno) {
            try Kernel.rename(parent.descriptor, name, to: park.directory.descriptor, id, .replace)
        } catch {
            forget(id)
            throw error
        }
        Failpoint.removalParked.reach()
        touch(parent)
        let release = try park.release(id, expecting: expected, parkedAt: nil, memory: &memory)
        if release != .changed { return .done(nil) }
        memory.forget(id)
        _ = try park.bringBack(id, record)
        return .changed
    }

    /// Removals are what makes room on a full disk, so they must not need any: without room for its record,
    /// an entry is parked all the same. After a crash it then comes back in the root, for nothing tells what
    /// it was.
    private mutating func writeIfRoom(_ record: ParkRecord, for id: [UInt8]) throws(Errno) {
        do throws(Errno) {
            try park.write(record, for: id)
        } catch {
            guard error == .noSpace || error == .diskQuotaExceeded else { throw error }
            memory.records[id] = record
        }
    }

    private mutating func forget(_ id: [UInt8]) {
        memory.forget(id)
        park.forget(id)
    }
}
