// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore
import Synchronization
import SystemPackage

extension SharedFolder {
    /// Looks again at the entries that wait in `.relay/park`, and returns the paths to be scanned.
    ///
    /// What was displaced or removed while somebody had it open for writing is parked. If it was written into
    /// since, it comes back: beside what displaced it under its conflict name, or, after a removal, to where
    /// it was. Otherwise it goes once nobody can write into it. To be called now and then; it is cheap when
    /// nothing is parked. `open` calls it too, and thereby decides what a crash left undecided.
    @discardableResult
    package func settleParked() -> [RelativePath] {
        guard !isClosed else { return [] }
        return lane.withLock { memory in
            renewOwnDirectories()
            let park = Park(folder: self)
            park.tightenLoosened()
            guard let ids = try? park.ids() else { return [] }
            var returned: [RelativePath] = []
            for id in ids.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                // What fails now is tried again the next time.
                if let path = try? park.settle(id, memory: &memory) { returned.append(path) }
            }
            return returned
        }
    }

    /// Whether anything may be parked still, or left loosened.
    package var hasParked: Bool {
        guard !isClosed else { return false }
        return lane.withLock { _ in (try? Park(folder: self).directory.names().isEmpty) != true }
    }
}

extension Park {
    /// The path of the entry if it had to come back, else nil.
    func settle(_ id: [UInt8], memory: inout ParkMemory) throws(Errno) -> RelativePath? {
        guard let status = try directory.statusIfPresent(id) else {
            memory.forget(id)
            forget(id)
            return nil
        }
        if let unwritten = memory.records[id], (try? write(unwritten, for: id)) != nil {
            memory.records[id] = nil
        }
        guard let record = record(for: id) ?? memory.records[id] else { return try recover(id, status) }
        if let placed = record.placed, placed == status.identity {
            // It never got to displace anything, and can be staged again.
            try directory.unlink(id)
            forget(id)
            return nil
        }
        if record.reason == .displacing, let path = try putBack(id, record) {
            memory.forget(id)
            return path
        }
        if !record.keep {
            let release = try release(
                id, expecting: record.expected, parkedAt: parkedAt(id), memory: &memory)
            guard release == .changed else { return nil }
        }
        memory.forget(id)
        return try bringBack(id, record)
    }

    /// Puts the entry back where it was; nil if something is there, or the directory is not there any more.
    private func putBack(_ id: [UInt8], _ record: ParkRecord) throws(Errno) -> RelativePath? {
        guard let name = record.path.name else { return nil }
        do throws(Errno) {
            let directory = try folder.root.directory(at: record.path.parent)
            try folder.renameNoReplace(self.directory, id, to: directory, name.bytes)
            Failpoint.putBack.reach()
            forget(id)
            try sync(directory)
            return record.path
        } catch {
            guard error == .fileExists || error.isAbsence else { throw error }
            return nil
        }
    }

    /// Puts the entry back where it was or beside, in the nearest directory that is still there.
    func bringBack(_ id: [UInt8], _ record: ParkRecord) throws(Errno) -> RelativePath {
        if record.reason != .displaced, let path = try putBack(id, record) { return path }
        let (parent, directory) = try nearestDirectory(record.path.parent)
        let name = try keep(id, in: directory, as: record.conflictName)
        try sync(directory)
        return parent.appending(name)
    }

    /// For an entry that nothing is known of: it goes to the root, for only a person can tell.
    private func recover(_ id: [UInt8], _ status: EntryStatus) throws(Errno) -> RelativePath? {
        guard let name = EntryName("recovered \(CalendarDay(status.fingerprint.modified))") else {
            return nil
        }
        let kept = try keep(id, in: folder.root, as: name)
        try sync(folder.root)
        return RelativePath([kept])
    }

    private func nearestDirectory(_ path: RelativePath) throws(Errno) -> (RelativePath, Directory) {
        var path = path
        while true {
            do throws(Errno) {
                return (path, try folder.root.directory(at: path))
            } catch {
                guard error.isAbsence, !path.isRoot else { throw error }
                path = path.parent
            }
        }
    }

    private func sync(_ directory: Directory) throws(Errno) {
        if directory.isReadable { try directory.descriptor.sync() }
    }
}
