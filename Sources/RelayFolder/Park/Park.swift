// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import SystemPackage

/// What is known of parked entries beyond their records, as long as the folder is open.
struct ParkMemory {
    /// The content of entries whose writers may leave no trace in their times.
    var contents: [[UInt8]: ContentID] = [:]
    /// The records of entries for whose records the disk had no room.
    var records: [[UInt8]: ParkRecord] = [:]

    /// Forgets an entry that is not parked any more.
    mutating func forget(_ id: [UInt8]) {
        contents[id] = nil
        records[id] = nil
    }
}

/// `.relay/park`: where entries are looked at before they are removed for good.
///
/// An entry's record is there before the entry, and goes after it. Both are changes of names alone, so a
/// file system that keeps those in order keeps this order through a loss of power too.
struct Park {
    let folder: SharedFolder
    var directory: Directory { folder.park }

    private static let recordSuffix = Array(".record".utf8)
    private static let draftSuffix = Array(".draft".utf8)
    /// How long an entry stays of which cannot be told whether somebody writes into it.
    private static let patienceSeconds: Int64 = 60

    /// A name of an entry that is not there yet.
    static func makeID() -> [UInt8] {
        var source = SystemRandomNumberGenerator()
        return hexadecimalBytes((0..<16).map { _ in UInt8.random(in: 0...255, using: &source) })
    }

    /// A name for what is in the making, and removed if it stays so.
    static func draftName(_ id: [UInt8]) -> [UInt8] { id + draftSuffix }

    // MARK: Records

    func write(_ record: ParkRecord, for id: [UInt8]) throws(Errno) {
        try write(record.encoded, as: id + Self.recordSuffix, for: id)
    }

    /// Writes a text under a name of the park, whole or not at all.
    func write(_ bytes: [UInt8], as name: [UInt8], for id: [UInt8]) throws(Errno) {
        let draft = Self.draftName(id)
        do throws(Errno) {
            try Kernel.makeSymlink(directory.descriptor, draft, target: bytes)
        } catch {
            // Too long for a link, or there are no links here.
            guard error == .fileNameTooLong || error == .notPermitted || error == .notSupported else {
                throw error
            }
            do throws(Errno) {
                let file = try directory.open(draft, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                try file.write(bytes, at: 0)
                try file.sync()
            } catch {
                try? directory.unlink(draft)
                throw error
            }
        }
        Failpoint.recordDrafted.reach()
        try Kernel.rename(directory.descriptor, draft, to: directory.descriptor, name, .replace)
    }

    /// Nil if there is none, or none that can be read.
    func record(for id: [UInt8]) -> ParkRecord? {
        text(of: id + Self.recordSuffix).flatMap { ParkRecord(encoded: $0) }
    }

    /// What was written under a name of the park.
    func text(of name: [UInt8]) -> [UInt8]? {
        if let target = try? Kernel.linkTarget(directory.descriptor, name) { return target }
        // A path of 2048 names of 255 bytes, a name and some numbers fit.
        return try? directory.open(name, O_RDONLY | O_NONBLOCK).bytes(at: 0, count: 1 << 20)
    }

    func forget(_ id: [UInt8]) { try? directory.unlink(id + Self.recordSuffix) }

    /// The entries and records that are there, by entry; drafts that never became records are removed.
    func ids() throws(Errno) -> Set<[UInt8]> {
        var ids: Set<[UInt8]> = []
        for name in try directory.names() {
            let bytes = name.bytes
            if bytes.count == 32 {
                ids.insert(bytes)
            } else if bytes.count == 32 + Self.recordSuffix.count, bytes.suffix(7) == Self.recordSuffix[...] {
                ids.insert(Array(bytes.prefix(32)))
            } else if bytes.count == 32 + Self.draftSuffix.count, bytes.suffix(6) == Self.draftSuffix[...] {
                try? directory.unlink(bytes)
            }
        }
        return ids
    }

    // MARK: Decisions

    /// What became of an entry that is not to be kept.
    enum Release {
        case removed
        /// Somebody may still write into it; `settleParked` looks again.
        case waiting
        /// It is not as expected: it holds something that nobody has seen.
        case changed
    }

    /// Removes a parked file or link for good, if it is as expected and nobody can write into it any more.
    func release(
        _ id: [UInt8], expecting expected: Fingerprint, parkedAt: Timestamp?, memory: inout ParkMemory
    ) throws(Errno) -> Release {
        let kind = try directory.status(id).kind
        guard kind == .file || kind == .symlink else { return .changed }
        // The writer is looked for first: whatever it wrote before it went shows in the status.
        let writer = kind == .file ? try probe(id, memory: &memory) : Writer.none
        guard expected.isUnchangedButForLinks(try directory.status(id).fingerprint) else { return .changed }
        switch writer {
        case .changed: return .changed
        case .present: return .waiting
        case .unknown where !Self.isPatienceOver(parkedAt): return .waiting
        case .unknown, .none:
            try directory.unlink(id)
            Failpoint.released.reach()
            memory.forget(id)
            forget(id)
            return .removed
        }
    }

    /// Makes sure that what is written into an entry from now on can be told by `release`.
    func expose(_ id: [UInt8], memory: inout ParkMemory) throws(Errno) {
        if try directory.status(id).kind == .file { _ = try probe(id, memory: &memory) }
    }

    private enum Writer { case none, present, unknown, changed }

    /// Also makes sure that what is written from now on shows: in the times, or else in the content.
    private func probe(_ id: [UInt8], memory: inout ParkMemory) throws(Errno) -> Writer {
        let file: Descriptor
        do throws(Errno) {
            file = try directory.open(id, O_RDONLY | O_NONBLOCK)
        } catch {
            if error == .permissionDenied || error == .notPermitted { return .unknown }
            if error == .wouldBlock { return .present }
            throw error
        }
        switch WriterProbe.probe(file) {
        case .none:
            guard let before = memory.contents[id] else { return .none }
            return try content(of: file) == before ? .none : .changed
        case .unknown: return .unknown
        case .present:
            if memory.contents[id] == nil {
                try? file.syncContent()
                if folder.fileSystem.hidesMappedWrites { memory.contents[id] = try content(of: file) }
            }
            return .present
        }
    }

    private func content(of file: borrowing Descriptor) throws(Errno) -> ContentID? {
        try FileReading.describe(
            file, expecting: try Kernel.status(file).fingerprint,
            skippingHoles: folder.fileSystem.tellsHoles)?.content
    }

    /// The content of a parked file; nil if it cannot be told.
    func content(of id: [UInt8]) -> ContentID? {
        guard let file = try? directory.open(id, O_RDONLY | O_NONBLOCK) else { return nil }
        return try? content(of: file)
    }

    private static func isPatienceOver(_ parkedAt: Timestamp?) -> Bool {
        guard let parkedAt else { return false }
        let (seconds, overflow) = Timestamp.now().seconds.subtractingReportingOverflow(parkedAt.seconds)
        // A clock that went back must not keep entries for ever.
        return overflow || seconds >= patienceSeconds || seconds < -patienceSeconds
    }

    /// When an entry was parked.
    func parkedAt(_ id: [UInt8]) -> Timestamp? {
        try? directory.status(id + Self.recordSuffix).fingerprint.modified
    }

    // MARK: Back into the folder

    /// Puts a parked entry beside where it was, under the first free one of `name`, `name 2`, `name 3`, …
    func keep(_ id: [UInt8], in parent: Directory, as name: EntryName) throws(Errno) -> EntryName {
        Failpoint.keeping.reach()
        for attempt in 1...Self.attempts {
            let candidate = name.numbered(attempt)
            do throws(Errno) {
                try folder.renameNoReplace(directory, id, to: parent, candidate.bytes)
                Failpoint.kept.reach()
                forget(id)
                return candidate
            } catch {
                if error != .fileExists { throw error }
            }
        }
        throw .fileExists
    }

    private static let attempts = 10_000
}

extension EntryName {
    /// The name with a number before its extension, from ` 2` on; shortened where it would be too long.
    func numbered(_ attempt: Int) -> EntryName {
        guard attempt > 1 else { return self }
        let mark = Array(" \(attempt)".utf8)
        let dot = bytes.lastIndex(of: 0x2e) ?? 0
        let hasExtension = dot > 0 && bytes.count - dot <= 32
        let ending = hasExtension ? Array(bytes[dot...]) : []
        var stem = hasExtension ? Array(bytes[..<dot]) : bytes
        let limit = Self.limitBytes - mark.count - ending.count
        if stem.count > limit {
            // A UTF-8 sequence is not cut in its middle.
            var end = limit
            while end > 1, stem[end] & 0xc0 == 0x80 { end -= 1 }
            stem = Array(stem[..<end])
        }
        return EntryName(stem + mark + ending) ?? self
    }
}

extension SharedFolder {
    /// Renames, and refuses to replace (`EEXIST`), also where the file system has no such rename.
    func renameNoReplace(
        _ from: Directory, _ old: [UInt8], to: Directory, _ new: [UInt8]
    ) throws(Errno) {
        if fileSystem.canRefuseReplacement {
            return try Kernel.rename(from.descriptor, old, to: to.descriptor, new, .noReplace)
        }
        do throws(Errno) {
            try Kernel.link(from.descriptor, old, to: to.descriptor, new)
            try from.unlink(old)
        } catch {
            // Directories have no hard links, and some file systems none at all.
            guard error == .notPermitted || error == .notSupported || error == .noFunction else {
                throw error
            }
            if try to.statusIfPresent(new) != nil { throw .fileExists }
            try Kernel.rename(from.descriptor, old, to: to.descriptor, new, .replace)
        }
    }
}
