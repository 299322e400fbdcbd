// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
package import RelayCore
import SystemPackage

extension SharedFolder {
    /// Looks at entries and directories, and reports what is there, in the order of the requests.
    ///
    /// Absence is reported only where a directory that was opened surely has no such entry; whatever could
    /// not be told is `failed`. Nothing beyond a mount point is looked at. `reading`: where small files are
    /// to be read at once.
    package func scan(_ requests: [ScanRequest], reading wishes: ReadingWishes = [:]) -> [ScanResult] {
        var scanner = Scanner(folder: self)
        return requests.map { request in
            let outcome = scanner.outcome(of: request)
            return ScanResult(
                request: request, outcome: outcome, reading: scanner.reading(request, outcome, wishes))
        }
    }
}

/// One call of `scan`.
private struct Scanner {
    private let folder: SharedFolder
    private var directories: DirectoryCache
    /// How often a directory that changes while it is listed is listed again.
    private static let listings = 3

    init(folder: SharedFolder) {
        self.folder = folder
        directories = DirectoryCache(root: folder.root)
    }

    mutating func outcome(of request: ScanRequest) -> ScanOutcome {
        switch request {
        case .entry(let path): outcome(at: path) { scanner, path throws(Errno) in try scanner.entry(path) }
        case .directory(let path):
            outcome(at: path) { scanner, path throws(Errno) in try scanner.directory(path) }
        }
    }

    /// What a file holds that was found at an entry, if it is small and to be read.
    func reading(
        _ request: ScanRequest, _ outcome: ScanOutcome, _ wishes: ReadingWishes
    ) -> ReadOutcome? {
        guard case .entry(let path) = request, case .entry(_, let found?) = outcome, found.kind == .file,
            found.fingerprint.sizeBytes <= UInt64(ContentLimits.inlineBytes), let known = wishes[path],
            known != found.fingerprint
        else { return nil }
        var reader = FileReader(of: folder, opened: directories)
        return reader.outcome(at: path, isInsisting: false, expecting: found.fingerprint)
    }

    private mutating func outcome(
        at path: RelativePath, _ look: (inout Scanner, RelativePath) throws(Errno) -> ScanOutcome
    ) -> ScanOutcome {
        if folder.isClosed { return .failed(.closed(cannot: "look at", path)) }
        do throws(Errno) {
            return try look(&self, path)
        } catch {
            return error.isAbsence ? .absent : .failed(Problem(error, cannot: "look at", path))
        }
    }

    private mutating func entry(_ path: RelativePath) throws(Errno) -> ScanOutcome {
        guard let name = path.name else { throw .invalidArgument }
        // The directory of our own is, to everybody else, not there.
        if SharedFolder.isOwn(path.parent) { return .absent }
        let (parent, identity) = try directories.identified(at: path.parent)
        if SharedFolder.isOwn(path) { return .entry(directory: identity, nil) }
        guard let found = try look(at: name, in: parent), try isListed(name, in: parent) else {
            return .entry(directory: identity, nil)
        }
        return .entry(directory: identity, found)
    }

    private mutating func directory(_ path: RelativePath) throws(Errno) -> ScanOutcome {
        if SharedFolder.isOwn(path) { return .absent }
        let directory = try directories.directory(at: path)
        var status = try directory.status()
        var listing = Listing()
        for _ in 0..<Self.listings {
            listing = try list(directory, at: path)
            // An entry that is renamed while the directory is listed can be missed under both names.
            let after = try directory.status()
            if after.fingerprint == status.fingerprint { break }
            status = after
        }
        return .directory(status.identity, listing.entries, hidden: listing.hidden)
    }

    /// Both in the order of names.
    private struct Listing {
        var entries: [FoundEntry] = []
        var hidden: [HiddenEntry] = []
    }

    /// One entry that cannot be looked at hides no other.
    private func list(_ directory: Directory, at path: RelativePath) throws(Errno) -> Listing {
        var listing = Listing()
        let names = try directory.names().sorted()
        listing.entries.reserveCapacity(names.count)
        for name in names where !(path.isRoot && name == .relayDirectory) {
            do throws(Errno) {
                if let entry = try look(at: name, in: directory) { listing.entries.append(entry) }
            } catch {
                let problem = Problem(error, cannot: "look at", path.appending(name))
                listing.hidden.append(HiddenEntry(name: name, problem: problem))
            }
        }
        return listing
    }

    /// Nil for what is never reported, and where surely nothing is. What a mount hides is unknown, not
    /// absent.
    private func look(at name: EntryName, in directory: Directory) throws(Errno) -> FoundEntry? {
        let status: EntryStatus?
        do throws(Errno) {
            status = try directory.statusIfPresent(name.bytes)
        } catch {
            // A mount whose server is gone has no status.
            throw directory.isMountPoint(name.bytes) ? .improperLink : error
        }
        guard let status else { return nil }
        if status.isMountRoot { throw .improperLink }
        return try found(name, status, in: directory)
    }

    /// Whether the directory has an entry of this very name, not of one that only leads to the same.
    private func isListed(_ name: EntryName, in directory: Directory) throws(Errno) -> Bool {
        guard folder.fileSystem.foldsNames else { return true }
        return try Spelling.listed(name.bytes, in: directory) == name.bytes
    }

    /// Nil for what is never reported, and for a link that is gone by now.
    private func found(
        _ name: EntryName, _ status: EntryStatus, in directory: Directory
    ) throws(Errno) -> FoundEntry? {
        switch status.kind {
        case .other: nil
        case .file: FoundEntry(name: name, kind: .file, fingerprint: status.fingerprint)
        case .directory: FoundEntry(name: name, kind: .directory, fingerprint: status.fingerprint)
        case .symlink: try foundSymlink(name, in: directory)
        }
    }

    /// Reads status and target of one and the same link.
    private func foundSymlink(_ name: EntryName, in directory: Directory) throws(Errno) -> FoundEntry? {
        do throws(Errno) {
            let link = try directory.open(name.bytes, RELAY_O_PATH)
            let status = try Kernel.status(link)
            guard status.kind == .symlink else {
                return status.kind == .other ? nil : try found(name, status, in: directory)
            }
            return FoundEntry(
                name: name, kind: .symlink(target: try Kernel.linkTarget(link, [])),
                fingerprint: status.fingerprint)
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }
}
