// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import SystemPackage

/// What is placed at a path.
enum Newcomer {
    /// A finished file in `.relay/stage`.
    case staged(name: [UInt8], content: ContentID)
    /// As `staged`; nobody has hashed it.
    case upload(name: [UInt8])
    case link(target: [UInt8])
}

extension Newcomer {
    fileprivate var stagedName: [UInt8]? {
        switch self {
        case .staged(let name, _), .upload(let name): name
        case .link: nil
        }
    }
}

extension ApplyBatch {
    mutating func place(
        _ newcomer: Newcomer, at path: RelativePath, over expectation: Expectation
    ) throws(Errno) -> ApplyOutcome {
        let (parent, name) = try parent(of: path)
        var staged: Fingerprint?
        if let name = newcomer.stagedName {
            staged = try folder.stage.statusIfPresent(name)?.fingerprint
            if staged == nil { return .unstaged }
        }
        switch expectation {
        case .nothing:
            return try placeNew(newcomer, staged, in: parent, name)
        case .entry(let expected, let keep, let conflictName):
            let record = ParkRecord(
                .displaced, keep: keep, expected: expected, placed: nil, conflictName: conflictName,
                path: path)
            return try placeOver(newcomer, in: parent, name, record)
        }
    }

    /// `before` is what the staged file is, if the newcomer is one.
    private mutating func placeNew(
        _ newcomer: Newcomer, _ before: Fingerprint?, in parent: Directory, _ name: [UInt8]
    ) throws(Errno) -> ApplyOutcome {
        switch newcomer {
        case .staged(let staged, _), .upload(let staged):
            guard let before else { return .unstaged }
            Failpoint.placing.reach()
            try folder.renameNoReplace(folder.stage, staged, to: parent, name)
            Failpoint.placed.reach()
            touch(parent)
            return .done(placedFingerprint(in: parent, name, staged: before))
        case .link(let target):
            try Kernel.makeSymlink(parent.descriptor, name, target: target)
            Failpoint.linkMade.reach()
            touch(parent)
            let status = try parent.status(name)
            guard status.kind == .symlink, try Kernel.linkTarget(parent.descriptor, name) == target else {
                return .changed
            }
            return .done(status.fingerprint)
        }
    }

    /// What stands at the name, if it is what was placed there and nobody has changed it since; otherwise
    /// what was placed, which will not be found there, so that the next scan looks closer.
    private func placedFingerprint(
        in parent: Directory, _ name: [UInt8], staged: Fingerprint
    ) -> Fingerprint {
        guard let found = try? parent.status(name).fingerprint, staged.isUnchangedButForLinks(found) else {
            return staged
        }
        return found
    }

    // MARK: Over something

    private mutating func placeOver(
        _ newcomer: Newcomer, in parent: Directory, _ name: [UInt8], _ plan: ParkRecord
    ) throws(Errno) -> ApplyOutcome {
        guard let before = try parent.statusIfPresent(name) else { return .absent }
        if folder.fileSystem.foldsNames, try Spelling.other(than: name, in: parent) != nil { return .changed }
        guard before.kind == .file || before.kind == .symlink, !before.isMountRoot else { return .changed }
        // The same bytes with another mode, time or name are no edit, and the newcomer must not hide the
        // mode: the caller reads the file.
        if before.fingerprint != plan.expected, before.fingerprint.mayHoldTheSame(as: plan.expected) {
            return .changed
        }
        let placing = try enterPark(newcomer, plan)
        Failpoint.newcomerParked.reach()
        let isExpected = before.fingerprint == plan.expected
        guard folder.fileSystem.canExchange else {
            return try placeInTwoSteps(placing, in: parent, name, isExpected: isExpected)
        }
        do throws(Errno) {
            try Kernel.rename(
                park.directory.descriptor, placing.id, to: parent.descriptor, name, .exchange)
        } catch {
            leavePark(placing)
            throw error
        }
        Failpoint.exchanged.reach()
        touch(parent)
        let displaced = try park.directory.status(placing.id)
        guard displaced.kind == .file || displaced.kind == .symlink else {
            try exchangeBack(placing, in: parent, name)
            return .changed
        }
        return try decide(placing, at: placing.id, in: parent, name, isExpected: isExpected)
    }

    /// Decides on what was displaced, and now stands in the park as `id`.
    private mutating func decide(
        _ placing: Placing, at id: [UInt8], in parent: Directory, _ name: [UInt8], isExpected: Bool
    ) throws(Errno) -> ApplyOutcome {
        let placed = placedFingerprint(in: parent, name, staged: placing.staged)
        let record = placing.record
        if isExpected && !record.keep {
            let release = try park.release(id, expecting: record.expected, parkedAt: nil, memory: &memory)
            if release != .changed { return .done(placed) }
        }
        // From here on whatever is written into it shows, so that nothing can slip in after the comparison.
        try park.expose(id, memory: &memory)
        let displaced = try park.directory.status(id).fingerprint
        let isUnseen = !isExpected || !record.expected.isUnchangedButForLinks(displaced)
        if isUnseen, hasSameContent(placing.newcomer, as: id) {
            var released = record
            released.expected = displaced
            released.keep = false
            try park.write(released, for: id)
            let release = try park.release(id, expecting: displaced, parkedAt: nil, memory: &memory)
            if release != .changed { return .done(placed) }
        }
        memory.forget(id)
        let kept = try park.keep(id, in: parent, as: record.conflictName)
        return .doneKeeping(placed, kept: kept, keptFingerprint: try parent.status(kept.bytes).fingerprint)
    }

    private func hasSameContent(_ newcomer: Newcomer, as id: [UInt8]) -> Bool {
        switch newcomer {
        case .staged(_, let content): park.content(of: id) == content
        case .upload: false
        case .link(let target): (try? Kernel.linkTarget(park.directory.descriptor, id)) == target
        }
    }

    /// Undoes an exchange that brought out what cannot be displaced.
    private mutating func exchangeBack(
        _ placing: Placing, in parent: Directory, _ name: [UInt8]
    ) throws(Errno) {
        do throws(Errno) {
            try Kernel.rename(
                park.directory.descriptor, placing.id, to: parent.descriptor, name, .exchange)
        } catch {
            guard error == .noSuchFileOrDirectory else { throw error }
            // Somebody removed what had just been placed.
            try folder.renameNoReplace(park.directory, placing.id, to: parent, name)
            park.forget(placing.id)
            return
        }
        if try park.directory.status(placing.id).identity == placing.staged.identity {
            leavePark(placing)
        } else {
            // Somebody replaced what had just been placed: that stays too, beside.
            _ = try park.keep(placing.id, in: parent, as: placing.record.conflictName)
        }
    }

    /// For file systems that cannot exchange: for a moment the name is free. Whoever takes it then keeps it.
    private mutating func placeInTwoSteps(
        _ placing: Placing, in parent: Directory, _ name: [UInt8], isExpected: Bool
    ) throws(Errno) -> ApplyOutcome {
        let id = Park.makeID()
        do throws(Errno) {
            try park.write(placing.record.displacing, for: id)
            try Kernel.rename(parent.descriptor, name, to: park.directory.descriptor, id, .replace)
        } catch {
            park.forget(id)
            leavePark(placing)
            throw error
        }
        touch(parent)
        let kind = try park.directory.status(id).kind
        guard kind == .file || kind == .symlink else {
            try folder.renameNoReplace(park.directory, id, to: parent, name)
            park.forget(id)
            leavePark(placing)
            return .changed
        }
        do throws(Errno) {
            try folder.renameNoReplace(park.directory, placing.id, to: parent, name)
            park.forget(placing.id)
            // The name is not free any more; when it is again, somebody removed what was placed there.
            try? park.write(placing.record.displaced, for: id)
        } catch {
            leavePark(placing)
            if error == .fileExists {
                _ = try park.settle(id, memory: &memory)
                return .changed
            }
            try folder.renameNoReplace(park.directory, id, to: parent, name)
            park.forget(id)
            throw error
        }
        return try decide(placing, at: id, in: parent, name, isExpected: isExpected)
    }
}

extension ParkRecord {
    /// The record for an entry that is parked by itself, and for which a newcomer was placed.
    fileprivate var displaced: ParkRecord {
        var copy = self
        copy.placed = nil
        return copy
    }

    /// As `displaced`, before the newcomer is placed.
    fileprivate var displacing: ParkRecord {
        var copy = displaced
        copy.reason = .displacing
        return copy
    }
}

extension Fingerprint {
    /// Whether only metadata differ: the file may well hold what it held.
    fileprivate func mayHoldTheSame(as other: Fingerprint) -> Bool {
        identity == other.identity && sizeBytes == other.sizeBytes
    }
}

// MARK: - The newcomer in the park

/// A newcomer that stands in the park under `id`, about to change places with what it displaces.
struct Placing {
    let id: [UInt8]
    let newcomer: Newcomer
    let staged: Fingerprint
    let record: ParkRecord
}

extension ApplyBatch {
    /// Brings the newcomer to where the displaced entry will be, with its record before it.
    private func enterPark(_ newcomer: Newcomer, _ plan: ParkRecord) throws(Errno) -> Placing {
        let id = Park.makeID()
        var record = plan
        let staged: Fingerprint
        switch newcomer {
        case .staged(let name, _), .upload(let name):
            staged = try folder.stage.status(name).fingerprint
            record.placed = staged.identity
            try park.write(record, for: id)
            Failpoint.parkRecorded.reach()
            do throws(Errno) {
                try Kernel.rename(
                    folder.stage.descriptor, name, to: park.directory.descriptor, id, .replace)
            } catch {
                park.forget(id)
                throw error
            }
        case .link(let target):
            // Its inode is known only once it is there. A crash before the record is leaves a draft, which
            // nobody misses.
            let draft = Park.draftName(Park.makeID())
            try Kernel.makeSymlink(park.directory.descriptor, draft, target: target)
            Failpoint.linkDrafted.reach()
            staged = try park.directory.status(draft).fingerprint
            record.placed = staged.identity
            try park.write(record, for: id)
            try Kernel.rename(
                park.directory.descriptor, draft, to: park.directory.descriptor, id, .replace)
        }
        return Placing(id: id, newcomer: newcomer, staged: staged, record: record)
    }

    /// Takes the newcomer back to where it came from.
    private func leavePark(_ placing: Placing) {
        switch placing.newcomer {
        case .staged(let name, _), .upload(let name):
            try? Kernel.rename(
                park.directory.descriptor, placing.id, to: folder.stage.descriptor, name, .replace)
        case .link:
            try? park.directory.unlink(placing.id)
        }
        park.forget(placing.id)
    }
}
