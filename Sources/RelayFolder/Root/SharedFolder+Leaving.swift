// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore
import Synchronization
import SystemPackage

/// What came of taking a folder's own directory away.
package struct Dissolution: Hashable, Sendable {
    /// The paths of what came back, because it may hold what nobody has seen.
    package var returned: [RelativePath]
    /// Whether `.relay` is gone; it stays if somebody has put something else into it.
    package var isClean: Bool

    package init(returned: [RelativePath], isClean: Bool) {
        self.returned = returned
        self.isClean = isClean
    }
}

extension SharedFolder {
    /// Makes the folder one like any other: `.relay` goes, and all else stays.
    ///
    /// What waits in `.relay/park`, and is not surely what the share has as well, comes back first. If that
    /// cannot be done, nothing goes. The folder is of no use afterwards, and to be closed.
    package func dissolve() throws(FolderError) -> Dissolution {
        guard !isClosed else { throw .failed("cannot leave \(path): the folder was closed") }
        renewOwnDirectories()
        let returned = try lane.withLock { memory throws(FolderError) in try vacatePark(&memory) }
        Failpoint.parkVacated.reach()
        sweepStage(keeping: [])
        do throws(Errno) {
            return Dissolution(returned: returned, isClean: try removeOwnDirectory())
        } catch {
            throw .failed("cannot leave \(path): its .relay cannot be removed: \(error.causeText)")
        }
    }

    /// Removes what is left of `.relay` in a folder without a marker, as far as it is empty.
    package static func clearRemains(of path: String) {
        for name in ["/.relay/stage", "/.relay/park", "/.relay"] { rmdir(path + name) }
    }

    private func vacatePark(_ memory: inout ParkMemory) throws(FolderError) -> [RelativePath] {
        let park = Park(folder: self)
        park.tightenLoosened()
        var returned: [RelativePath] = []
        do throws(Errno) {
            for id in try park.ids().sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                if let path = try park.vacate(id, memory: &memory) { returned.append(path) }
            }
        } catch {
            throw .failed(
                "cannot leave \(path): what was displaced, and may hold what nobody has seen, cannot be put"
                    + " back: \(error.causeText)")
        }
        return returned
    }

    /// The marker goes last but one, so that the folder is ours for as long as anything else is there.
    private func removeOwnDirectory() throws(Errno) -> Bool {
        let relay = try root.directory(at: RelativePath([.relayDirectory]))
        for name in try park.names() where Park.isOwn(name.bytes) { try park.unlink(name.bytes) }
        var isClean = true
        for name in [OwnDirectories.stageName, OwnDirectories.parkName] {
            isClean = try Self.removeIfEmpty(name, in: relay) && isClean
        }
        for name in try relay.names() where name.bytes.starts(with: RootMarker.draftPrefix) {
            try relay.unlink(name.bytes)
        }
        try relay.unlink(RootMarker.fileName)
        try relay.descriptor.sync()
        Failpoint.markerRemoved.reach()
        isClean = try Self.removeIfEmpty(EntryName.relayDirectory.bytes, in: root) && isClean
        try root.descriptor.sync()
        return isClean
    }

    private static func removeIfEmpty(_ name: [UInt8], in parent: Directory) throws(Errno) -> Bool {
        do throws(Errno) {
            try Kernel.removeDirectory(parent.descriptor, name)
            return true
        } catch {
            switch error {
            case .directoryNotEmpty, .fileExists: return false
            case .noSuchFileOrDirectory: return true
            default: throw error
            }
        }
    }
}

extension Park {
    /// Takes an entry out of the park: it comes back unless it is surely what was expected, with nobody who
    /// writes into it. The path, if it came back.
    fileprivate func vacate(_ id: [UInt8], memory: inout ParkMemory) throws(Errno) -> RelativePath? {
        let known = record(for: id) ?? memory.records[id]
        if let path = try settle(id, memory: &memory) { return path }
        guard try directory.statusIfPresent(id) != nil, let known else { return nil }
        memory.forget(id)
        return try bringBack(id, known)
    }

    /// Whether a name of the park is one that only this room gives, to something that is not an entry.
    fileprivate static func isOwn(_ name: [UInt8]) -> Bool {
        let ending = name.dropFirst(32)
        return [".record", ".draft", ".loosened"].contains { Array($0.utf8)[...] == ending }
            || ["probe-1", "probe-2"].contains { Array($0.utf8) == name }
    }
}
