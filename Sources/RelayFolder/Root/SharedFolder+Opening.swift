// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import SystemPackage

extension SharedFolder {
    /// Opens a shared folder and takes its lock.
    ///
    /// `expecting` nil adopts the folder as it is, and writes a marker if there is none; with `create`, a
    /// folder that is missing is made first. With a record, the folder must be the very one that it was made
    /// for: nothing is written before that is sure. The folder of a crash is put in order: what had been
    /// displaced and was not yet decided on is brought back or removed (see `settleParked`).
    package static func open(
        _ path: String, expecting: RootRecord?, create: Bool
    ) throws(FolderError) -> SharedFolder {
        let path = try absolute(path)
        if expecting == nil { try refuseNested(path) }
        if create && expecting == nil { try makeRoot(path) }
        let root = try openRoot(path)
        let status = try opening(path) { () throws(Errno) in
            try BirthTimes.ignoreWhereTheyChange(in: root)
            return try root.status()
        }
        if let expecting {
            let known = status.identity.born == .zero ? expecting.withoutBirthTime : expecting
            guard known.isSameDirectory(as: status.identity) else { throw notOurs(path) }
            try check(root, marker: expecting.marker, path: path)
        }
        let relay = try own(EntryName.relayDirectory.bytes, in: root, path: path)
        let stage = try own(OwnDirectories.stageName, in: relay, path: path)
        let park = try own(OwnDirectories.parkName, in: relay, path: path)
        Failpoint.ownDirectoryMade.reach()
        let text = try marker(in: relay, path: path)
        let file = try opening(path) { () throws(Errno) in
            try relay.open(RootMarker.fileName, O_RDONLY)
        }
        guard try opening(path, { () throws(Errno) in try RootLock.acquire(file) }) else {
            throw .inUse("cannot open \(path): another agent serves this folder; one folder has one agent")
        }
        let fileSystem = try opening(path) { () throws(Errno) in try FileSystem.probe(in: park, of: relay) }
        let folder = SharedFolder(
            path: path, record: RootRecord(marker: text, identity: status.identity), root: root,
            stage: stage, park: park, marker: file, fileSystem: fileSystem)
        folder.settleParked()
        return folder
    }

    /// Throws unless the path still leads to the root that was opened, with the same marker in it.
    package func verifyRoot() throws(FolderError) {
        if isClosed { throw .failed("cannot use \(path): the folder was closed") }
        if isRootInPlace() { return }
        let found = try Self.openRoot(path)
        let status = try Self.opening(path) { () throws(Errno) in try found.status() }
        guard status.identity == record.identity else { throw Self.notOurs(path) }
        try Self.check(found, marker: record.marker, path: path)
    }

    /// The nearest directory strictly above `path` that is a shared folder's root; nil if there is none.
    package static func enclosingShare(of path: String) -> String? {
        guard var current = try? resolved(path) else { return nil }
        while let slash = current.utf8.lastIndex(of: 0x2f), current != "/" {
            current = slash == current.startIndex ? "/" : String(current[..<slash])
            let marker = (current == "/" ? "" : current) + "/.relay/root"
            if access(marker, F_OK) == 0 { return current }
        }
        return nil
    }

    // MARK: The root

    private static func absolute(_ path: String) throws(FolderError) -> String {
        if path.isEmpty { throw .missing("cannot open a folder: its path is empty") }
        if path.hasPrefix("/") { return path }
        guard let current = getcwd(nil, 0) else {
            throw .failed("cannot open \(path): the current directory is gone")
        }
        defer { free(current) }
        return String(cString: current) + "/" + path
    }

    /// The path without links, as far as it exists; what does not exist yet is appended as it is.
    private static func resolved(_ path: String) throws(FolderError) -> String {
        var existing = try absolute(path)
        while existing.count > 1, existing.hasSuffix("/") { existing.removeLast() }
        var missing = ""
        while true {
            if let found = realpath(existing, nil) {
                defer { free(found) }
                let base = String(cString: found)
                return missing.isEmpty ? base : (base == "/" ? "" : base) + missing
            }
            guard let slash = existing.lastIndex(of: "/"), existing != "/" else { return path }
            missing = existing[slash...] + missing
            existing = slash == existing.startIndex ? "/" : String(existing[..<slash])
        }
    }

    private static func refuseNested(_ path: String) throws(FolderError) {
        guard let outer = enclosingShare(of: path) else { return }
        throw .nested("cannot open \(path): it lies inside the shared folder \(outer)")
    }

    /// Makes the directory and those above it that are missing.
    private static func makeRoot(_ path: String) throws(FolderError) {
        if mkdir(path, 0o755) == 0 { return }
        let error = Errno(rawValue: errno)
        if error == .fileExists { return }
        guard error == .noSuchFileOrDirectory, let slash = path.lastIndex(of: "/"), slash != path.startIndex
        else { throw .failed("cannot make \(path): \(error.causeText)") }
        try makeRoot(String(path[..<slash]))
        if mkdir(path, 0o755) != 0, errno != EEXIST {
            throw .failed("cannot make \(path): \(Errno(rawValue: errno).causeText)")
        }
    }

    private static func openRoot(_ path: String) throws(FolderError) -> Directory {
        do throws(Errno) {
            let number = try Kernel.check(Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK))
            return Directory(Descriptor(Int32(truncatingIfNeeded: number)), isReadable: true)
        } catch {
            switch error {
            case .noSuchFileOrDirectory: throw .missing("cannot open \(path): it is not there")
            case .notDirectory: throw .notADirectory("cannot open \(path): it is not a directory")
            default: throw .failed("cannot open \(path): \(error.causeText)")
            }
        }
    }

    private static func notOurs(_ path: String) -> FolderError {
        .notOurs(
            "cannot use \(path): it is not the directory that was shared "
                + "(replaced, restored, or its disk is not mounted); nothing was changed. Bring it "
                + "back, or join it again with a new link")
    }

    /// Throws unless the directory carries this marker.
    private static func check(
        _ root: Directory, marker: String, path: String
    ) throws(FolderError) {
        guard try readMarker(root, path: path) == marker else {
            throw .notOurs(
                "cannot use \(path): it does not carry the identity of the folder that was shared "
                    + "(emptied, replaced or restored); nothing was changed. Bring it back with "
                    + "its .relay, or join it again with a new link")
        }
    }

    // MARK: Our own directory

    /// Nil if there is no marker, or something that is not one.
    private static func readMarker(_ root: Directory, path: String) throws(FolderError) -> String? {
        let name = EntryName.relayDirectory.bytes + [0x2f] + RootMarker.fileName
        do throws(Errno) {
            let file = try root.open(name, O_RDONLY | O_NONBLOCK)
            return RootMarker.parse(try content(of: file))
        } catch {
            if error.isAbsence { return nil }
            throw .failed("cannot open \(path): \(error.causeText)")
        }
    }

    private static func content(of file: borrowing Descriptor) throws(Errno) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { buffer.deallocate() }
        let count = try file.read(into: buffer, at: 0)
        return Array(buffer[..<count])
    }

    /// Opens one of our own directories, made if it is missing.
    private static func own(
        _ name: [UInt8], in parent: Directory, path: String
    ) throws(FolderError) -> Directory {
        do throws(Errno) {
            return try openOwn(name, in: parent)
        } catch {
            throw .failed("cannot open \(path): its .relay directory is unusable: \(error.causeText)")
        }
    }

    static func openOwn(_ name: [UInt8], in parent: Directory) throws(Errno) -> Directory {
        do throws(Errno) {
            try Kernel.makeDirectory(parent.descriptor, name, mode: 0o700)
            if parent.isReadable { try parent.descriptor.sync() }
        } catch {
            if error != .fileExists { throw error }
        }
        return Directory(try parent.open(name, O_RDONLY | O_DIRECTORY), isReadable: true)
    }

    /// The marker's text; a new marker is written, whole or not at all, if there is none.
    private static func marker(in relay: Directory, path: String) throws(FolderError) -> String {
        for _ in 0..<2 {
            if let text = try existingMarker(in: relay, path: path) { return text }
            try opening(path) { () throws(Errno) in try writeMarker(RootMarker.random(), in: relay) }
        }
        throw .failed("cannot open \(path): its marker cannot be written")
    }

    private static func existingMarker(in relay: Directory, path: String) throws(FolderError) -> String? {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try content(of: relay.open(RootMarker.fileName, O_RDONLY | O_NONBLOCK))
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw .failed("cannot open \(path): \(error.causeText)")
        }
        if let text = RootMarker.parse(bytes) { return text }
        throw .notOurs("cannot open \(path): its .relay/root is damaged; nothing was changed")
    }

    private static func writeMarker(_ text: String, in relay: Directory) throws(Errno) {
        let draft = Array("root.\(RootMarker.random())".utf8)
        let file = try relay.open(draft, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        defer { try? relay.unlink(draft) }
        try file.write(RootMarker.fileContent(text), at: 0)
        try file.sync()
        Failpoint.markerDrafted.reach()
        do throws(Errno) {
            try Kernel.link(relay.descriptor, draft, to: relay.descriptor, RootMarker.fileName)
        } catch {
            switch error {
            case .fileExists: return
            // File systems without links: nobody else writes here, or the lock tells.
            case .notPermitted, .notSupported, .noFunction:
                try Kernel.rename(
                    relay.descriptor, draft, to: relay.descriptor, RootMarker.fileName, .replace)
            default: throw error
            }
        }
        try relay.descriptor.sync()
    }

    private static func opening<Value: ~Copyable>(
        _ path: String, _ body: () throws(Errno) -> Value
    ) throws(FolderError) -> Value {
        do throws(Errno) {
            return try body()
        } catch {
            throw .failed("cannot open \(path): \(error.causeText)")
        }
    }
}
