// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// Told of what a folder does to files, to hold it against the promises.
protocol FolderWitness: AnyObject {
    /// An apply step destroys this for good; `what` says which and where.
    func folderDestroys(_ token: Token, _ what: @autoclosure () -> String)
}

/// Carries out an agent's folder work on a simulated disk, each request and each step at one instant.
final class SimulatedFolder {
    let disk: SimulatedDisk
    /// Staged files by node, each with its content.
    var staged: [NodeID: ContentID] = [:]
    var parked: [Parked] = []
    /// How much younger than now a stamp must be to tell changes apart, in milliseconds.
    let trustMargin: Int64
    /// Whether it is known that somebody has a file open for writing.
    let seesWriters: Bool

    init(disk: SimulatedDisk, trustMargin: Int64, seesWriters: Bool) {
        self.disk = disk
        self.trustMargin = trustMargin
        self.seesWriters = seesWriters
    }

    // Scanning.

    func scan(_ request: ScanRequest) -> ScanOutcome {
        switch request {
        case .entry(let path):
            guard let name = path.name, let parent = disk.findParent(path) else { return .absent }
            let isThere =
                disk.spelling(of: name, in: parent) == name || SeededBug.mistakesSpellings.isMade
            let entry = isThere ? disk.child(name, of: parent).map { found($0, name) } : nil
            return .entry(directory: disk.identity(parent), entry)
        case .directory(let path):
            guard let inode = disk.find(path), disk.inodes[inode].kind == .directory else { return .absent }
            let entries = disk.inodes[inode].entries.map { found($0.inode, $0.name) }
            return .directory(disk.identity(inode), entries, hidden: [])
        }
    }

    private func found(_ inode: Int, _ name: EntryName) -> FoundEntry {
        let kind: FoundKind =
            switch disk.inodes[inode].kind {
            case .file: .file
            case .directory: .directory
            case .symlink: .symlink(target: disk.inodes[inode].token.target)
            }
        return FoundEntry(name: name, kind: kind, fingerprint: disk.fingerprint(inode))
    }

    /// What is at a place; nil where that cannot be told.
    func trace(at path: RelativePath) -> Echoes.Trace? {
        guard let name = path.name, let parent = disk.findParent(path) else { return nil }
        return disk.child(name, of: parent).map { .entry(disk.fingerprint($0)) } ?? .nothing
    }

    // Reading.

    func readRules(isInsisting: Bool) -> RulesReading {
        guard let inode = disk.find(rulesPath) else { return .missing }
        guard disk.inodes[inode].kind == .file else {
            return .failed(Problem(.unsupported, "cannot read \(rulesPath): it is not a file"))
        }
        if seesWriters, !isInsisting, disk.inodes[inode].writers > 0 { return .busy }
        let fingerprint = disk.fingerprint(inode)
        return .content(
            disk.inodes[inode].token.rules, fingerprint,
            trusted: disk.isOld(fingerprint, margin: trustMargin))
    }

    /// A read that is under way: what was found when it began.
    struct Reading {
        var request: ReadRequest
        var fingerprint: Fingerprint
        var token: Token
        var began: Int64
    }

    /// Nil reading: the outcome is known at once.
    func beginRead(_ request: ReadRequest) -> (Reading?, ReadOutcome) {
        guard let inode = disk.find(request.path), disk.inodes[inode].kind == .file else {
            return (nil, .absent)
        }
        if seesWriters, !request.isInsisting, disk.inodes[inode].writers > 0 { return (nil, .busy) }
        let reading = Reading(
            request: request, fingerprint: disk.fingerprint(inode), token: disk.inodes[inode].token,
            began: disk.now)
        return (reading, .busy)
    }

    /// `readsLate`: the bytes are those of the end, else of the beginning.
    func endRead(_ reading: Reading, readsLate: Bool) -> ReadOutcome {
        guard let inode = disk.find(reading.request.path), disk.inodes[inode].kind == .file else {
            return .absent
        }
        let fingerprint = disk.fingerprint(inode)
        guard fingerprint == reading.fingerprint || SeededBug.readsUnstably.isMade else { return .busy }
        if seesWriters, !reading.request.isInsisting, disk.inodes[inode].writers > 0 { return .busy }
        let token = readsLate ? disk.inodes[inode].token : reading.token
        let margin = trustMargin + disk.now - reading.began
        return .content(token.description, fingerprint, trusted: disk.isOld(fingerprint, margin: margin))
    }

    /// What is read of a file where it was found.
    func read(_ result: ScanResult, _ wishes: ReadingWishes) -> ReadOutcome? {
        guard case .entry(let path) = result.request, case .entry(_, let found?) = result.outcome,
            found.kind == .file, let known = wishes[path], known != found.fingerprint
        else { return nil }
        let (reading, outcome) = beginRead(ReadRequest(node: .root, path: path))
        guard let reading else { return outcome }
        guard reading.fingerprint == found.fingerprint || SeededBug.readsUnstably.isMade else { return .busy }
        return endRead(reading, readsLate: true)
    }

    // Applying.

    func apply(_ action: ApplyAction, _ witness: any FolderWitness) -> ApplyOutcome {
        if let expected = action.directory {
            guard let parent = disk.findParent(action.step.path), disk.identity(parent) == expected else {
                return .absent
            }
        }
        return carryOut(action, witness)
    }

    private func carryOut(_ action: ApplyAction, _ witness: any FolderWitness) -> ApplyOutcome {
        switch action.step {
        case .makeDirectory(let path, let mode):
            place(path, over: .nothing, witness) {
                let inode = disk.allocate(.directory, token: .empty, mode: mode.rawValue)
                return inode
            }
        case .makeSymlink(let path, let target, let over):
            place(path, over: over, witness) {
                disk.allocate(.symlink, token: Token(target: target), mode: 0o777)
            }
        case .placeFile(let path, let payload, let over):
            placeFile(action, path, payload, over, witness)
        case .move(let from, let to, let identity, let expected): move(from, to, identity, expected)
        case .setMetadata(let path, let expected, let mode, let modified):
            setMetadata(path, expected, mode, modified)
        case .remove(let path, let expected): remove(path, expected, witness)
        case .removeDirectory(let path, let identity): removeDirectory(path, identity)
        }
    }

    private func placeFile(
        _ action: ApplyAction, _ path: RelativePath, _ payload: FilePayload, _ over: Expectation,
        _ witness: any FolderWitness
    ) -> ApplyOutcome {
        guard action.carried != nil || staged[action.node] == payload.content else {
            return .failed(Problem(.other, "cannot place \(path): nothing is staged for it"))
        }
        let outcome = place(path, over: over, witness) {
            let inode = disk.allocate(.file, token: Token(payload.content), mode: payload.mode.rawValue)
            disk.inodes[inode].modified = payload.modified
            return inode
        }
        switch outcome {
        case .done, .doneKeeping, .movedUnwritten: staged[action.node] = nil
        default: break
        }
        return outcome
    }

    private func place(
        _ path: RelativePath, over: Expectation, _ witness: any FolderWitness, make: () -> Int
    ) -> ApplyOutcome {
        guard let name = path.name, let parent = disk.findParent(path) else { return .absent }
        let occupant = disk.child(name, of: parent)
        let isOtherSpelling = occupant != nil && disk.spelling(of: name, in: parent) != name
        switch (over, occupant) {
        case (.nothing, nil):
            let inode = make()
            disk.link(inode, name, in: parent)
            disk.reportArrival(inode, name, in: parent)
            return .done(disk.fingerprint(inode))
        case (.nothing, .some): return isOtherSpelling ? .failed(Self.isOneName(path)) : .occupied
        case (.entry, .some) where isOtherSpelling: return .changed
        case (.entry, nil): return .absent
        case (.entry(let expected, let keep, let conflictName), .some(let displaced)):
            guard disk.inodes[displaced].kind != .directory else { return .changed }
            let before = disk.fingerprint(displaced)
            let isExpected = before == expected || SeededBug.placesUnchecked.isMade
            if !isExpected, before.mayHoldTheSame(as: expected) { return .changed }
            let inode = make()
            let isSame =
                disk.inodes[displaced].kind == .file
                && disk.inodes[displaced].token == disk.inodes[inode].token
            guard isExpected ? keep : !isSame else {
                release(name, of: displaced, in: parent, before, conflictName, witness)
                disk.link(inode, name, in: parent)
                disk.reportArrival(inode, name, in: parent)
                return .done(disk.fingerprint(inode))
            }
            let kept = freeName(conflictName, in: parent)
            disk.relink(name, in: parent, to: kept, in: parent)
            disk.link(inode, name, in: parent)
            disk.reportArrival(displaced, kept, in: parent)
            disk.reportArrival(inode, name, in: parent)
            return .doneKeeping(
                disk.fingerprint(inode), kept: kept, keptFingerprint: disk.fingerprint(displaced))
        }
    }

    /// An entry that was displaced while it was open for writing.
    struct Parked {
        var inode: Int
        var name: EntryName
        var parked: EntryName
        var directory: FileIdentity
        var expected: Fingerprint
    }

    /// Takes an entry out of its place for good; what is open for writing is parked until it is closed.
    private func release(
        _ name: EntryName, of inode: Int, in parent: Int, _ expected: Fingerprint, _ conflictName: EntryName,
        _ witness: any FolderWitness
    ) {
        if seesWriters, disk.inodes[inode].writers > 0, !SeededBug.abandonsWriters.isMade,
            let parkedName = EntryName("\(disk.inodes[inode].serial)")
        {
            parked.append(
                Parked(
                    inode: inode, name: conflictName, parked: parkedName, directory: disk.identity(parent),
                    expected: expected))
            disk.relink(name, in: parent, to: parkedName, in: SimulatedDisk.parkInode)
            return
        }
        // Where writers are not seen, what they write into a file that was replaced cannot be kept.
        disk.inodes[inode].isGivenUp = !SeededBug.abandonsWriters.isMade
        witness.folderDestroys(disk.inodes[inode].token, "\(name) is replaced or removed")
        disk.unlink(name, in: parent)
    }

    /// Decides on parked entries that nobody writes any more: those that were written come back.
    func settleParked(_ witness: any FolderWitness) {
        for entry in parked where disk.inodes[entry.inode].writers == 0 {
            if disk.fingerprint(entry.inode).isUnchangedButForLinks(entry.expected) {
                witness.folderDestroys(disk.inodes[entry.inode].token, "\(entry.name) was parked")
                disk.unlink(entry.parked, in: SimulatedDisk.parkInode)
            } else {
                let home = Int(entry.directory.inode) - 2
                let isHome =
                    disk.inodes.indices.contains(home) && disk.inodes[home].kind == .directory
                    && disk.identity(home) == entry.directory && disk.path(of: home) != nil
                let directory = isHome ? home : SimulatedDisk.rootInode
                let name = freeName(entry.name, in: directory)
                disk.relink(entry.parked, in: SimulatedDisk.parkInode, to: name, in: directory)
                disk.reportArrival(entry.inode, name, in: directory)
            }
        }
        parked.removeAll { disk.inodes[$0.inode].writers == 0 }
    }

    private func freeName(_ name: EntryName, in parent: Int) -> EntryName {
        var candidate = name
        var attempt = 1
        while disk.child(candidate, of: parent) != nil {
            attempt += 1
            candidate = EntryName(name.bytes + Array(" \(attempt)".utf8)) ?? candidate
        }
        return candidate
    }

    private func move(
        _ from: RelativePath, _ to: RelativePath, _ identity: FileIdentity, _ expected: Fingerprint?
    ) -> ApplyOutcome {
        guard let name = from.name, let parent = disk.findParent(from),
            let inode = disk.child(name, of: parent)
        else { return .absent }
        guard disk.identity(inode) == identity else { return .changed }
        guard let newName = to.name, let newParent = disk.findParent(to) else { return .absent }
        guard !disk.isWithin(newParent, inode) else {
            return .failed(Problem(.other, "cannot move \(from): the target lies beneath it"))
        }
        let occupant = disk.child(newName, of: newParent)
        if let occupant, occupant != inode || disk.spelling(of: newName, in: newParent) == newName {
            let isOtherSpelling = disk.spelling(of: newName, in: newParent) != newName
            return isOtherSpelling ? .failed(Self.isOneName(to)) : .occupied
        }
        let isUnwritten =
            seesWriters && disk.inodes[inode].writers == 0 && disk.fingerprint(inode) == expected
        disk.relink(name, in: parent, to: newName, in: newParent)
        disk.report(name, in: parent)
        disk.reportMove(inode, newName, in: newParent)
        let moved = disk.fingerprint(inode)
        return isUnwritten ? .movedUnwritten(moved) : .done(moved)
    }

    private static func isOneName(_ path: RelativePath) -> Problem {
        Problem(.obstructed, "cannot place \(path): its name is taken in another spelling")
    }

    private func setMetadata(
        _ path: RelativePath, _ expected: Fingerprint, _ mode: PermissionBits, _ modified: Timestamp?
    ) -> ApplyOutcome {
        guard let name = path.name, let parent = disk.findParent(path),
            let inode = disk.child(name, of: parent)
        else { return .absent }
        let isSame: Bool
        if disk.inodes[inode].kind == .directory {
            isSame = disk.identity(inode) == expected.identity && disk.inodes[inode].mode == expected.mode
        } else {
            isSame = disk.fingerprint(inode) == expected
        }
        guard isSame || SeededBug.setsUnchecked.isMade else { return .changed }
        disk.inodes[inode].mode = mode.rawValue
        if let modified, disk.inodes[inode].kind == .file { disk.inodes[inode].modified = modified }
        disk.inodes[inode].changed = disk.stamp()
        // Written out, the content with it.
        disk.inodes[inode].unwritten = nil
        disk.report(name, in: parent)
        return .done(disk.fingerprint(inode))
    }

    private func remove(
        _ path: RelativePath, _ expected: Fingerprint, _ witness: any FolderWitness
    ) -> ApplyOutcome {
        guard let name = path.name, let parent = disk.findParent(path),
            let inode = disk.child(name, of: parent)
        else { return .absent }
        guard disk.inodes[inode].kind != .directory,
            disk.fingerprint(inode) == expected || SeededBug.removesUnchecked.isMade
        else { return .changed }
        release(name, of: inode, in: parent, expected, name, witness)
        disk.report(name, in: parent)
        return .done(nil)
    }

    private func removeDirectory(_ path: RelativePath, _ identity: FileIdentity) -> ApplyOutcome {
        guard let name = path.name, let parent = disk.findParent(path),
            let inode = disk.child(name, of: parent)
        else { return .absent }
        guard disk.inodes[inode].kind == .directory, disk.identity(inode) == identity else { return .changed }
        guard disk.inodes[inode].entries.isEmpty else { return .notEmpty }
        disk.unlink(name, in: parent)
        disk.report(name, in: parent)
        return .done(nil)
    }
}

extension Fingerprint {
    /// Whether only metadata differ: the file may well hold what it held.
    fileprivate func mayHoldTheSame(as other: Fingerprint) -> Bool {
        identity == other.identity && sizeBytes == other.sizeBytes
    }
}
