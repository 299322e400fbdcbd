// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import RelayCore
import SystemPackage

/// An open directory of the shared folder. It stays that very directory, wherever it is moved.
final class Directory: Sendable {
    let descriptor: Descriptor
    /// Whether the directory was opened for reading, so that it can be listed and synced.
    let isReadable: Bool

    init(_ descriptor: consuming Descriptor, isReadable: Bool) {
        self.descriptor = descriptor
        self.isReadable = isReadable
    }

    /// Opens a directory by its path beneath this one; longer paths than the kernel takes are walked.
    func directory(at path: RelativePath) throws(Errno) -> Directory {
        var current = self
        var rest = path.components[...]
        while !rest.isEmpty {
            var portion = rest.removeFirst().bytes
            while let next = rest.first, portion.count + 1 + next.bytes.count <= Kernel.pathLimitBytes {
                portion.append(0x2f)
                portion += next.bytes
                rest.removeFirst()
            }
            current = try current.directory(beneath: portion)
        }
        return current
    }

    /// Directories that only may be passed through, not listed, are opened too.
    private func directory(beneath path: [UInt8]) throws(Errno) -> Directory {
        do throws(Errno) {
            let opened = try Kernel.openBeneath(descriptor, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK)
            return Directory(opened, isReadable: true)
        } catch {
            guard error == .permissionDenied else { throw error }
            let opened = try Kernel.openBeneath(descriptor, path, RELAY_O_PATH | O_DIRECTORY)
            return Directory(opened, isReadable: false)
        }
    }

    func status() throws(Errno) -> EntryStatus { try Kernel.status(descriptor) }

    func status(_ name: [UInt8]) throws(Errno) -> EntryStatus { try Kernel.status(descriptor, name) }

    /// What stands at a name; nil if surely nothing does.
    func statusIfPresent(_ name: [UInt8]) throws(Errno) -> EntryStatus? {
        do throws(Errno) {
            return try status(name)
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    /// Whether a file system is mounted at a name; what is mounted there is not asked.
    func isMountPoint(_ name: [UInt8]) -> Bool {
        do throws(Errno) {
            _ = try open(name, RELAY_O_PATH)
            return false
        } catch {
            return error == .improperLink
        }
    }

    /// Opens a file in this directory; a link at its name is refused with `ELOOP`.
    func open(_ name: [UInt8], _ flags: Int32, mode: UInt32 = 0) throws(Errno) -> Descriptor {
        try Kernel.openBeneath(descriptor, name, flags | O_NOFOLLOW, mode: mode)
    }

    func names() throws(Errno) -> [EntryName] {
        guard isReadable else { throw .permissionDenied }
        return try DirectoryListing.names(in: descriptor)
    }

    func unlink(_ name: [UInt8]) throws(Errno) { try Kernel.unlink(descriptor, name) }
}

/// The directories that one call has opened, so that a batch resolves each parent once.
///
/// It never outlives a call, and is emptied by everything that moves or removes directories.
struct DirectoryCache {
    private struct Entry {
        let path: RelativePath
        let directory: Directory
        /// Nil until it was asked for.
        var identity: FileIdentity?
    }
    private let root: Directory
    /// Those that were used last, the latest at the end: what is asked for is mostly the same again.
    private var opened: [Entry] = []
    private static let limit = 16

    init(root: Directory) { self.root = root }

    mutating func directory(at path: RelativePath) throws(Errno) -> Directory {
        if path.isRoot { return root }
        return opened[try index(of: path)].directory
    }

    /// The directory, and which one it is.
    mutating func identified(at path: RelativePath) throws(Errno) -> (Directory, FileIdentity) {
        if path.isRoot { return (root, try root.status().identity) }
        let index = try index(of: path)
        let directory = opened[index].directory
        if let identity = opened[index].identity { return (directory, identity) }
        let identity = try directory.status().identity
        opened[index].identity = identity
        return (directory, identity)
    }

    private mutating func index(of path: RelativePath) throws(Errno) -> Int {
        if let index = opened.lastIndex(where: { $0.path == path }) {
            if index != opened.endIndex - 1 { opened.append(opened.remove(at: index)) }
        } else {
            let directory = try open(path)
            if opened.count >= Self.limit { opened.removeFirst() }
            opened.append(Entry(path: path, directory: directory))
        }
        return opened.endIndex - 1
    }

    /// Where the process has no descriptor left, those that are kept here are given up first.
    private mutating func open(_ path: RelativePath) throws(Errno) -> Directory {
        do throws(Errno) {
            return try root.directory(at: path)
        } catch {
            guard error == .tooManyOpenFiles || error == .tooManyOpenFilesInSystem, !opened.isEmpty else {
                throw error
            }
            forget()
            return try root.directory(at: path)
        }
    }

    mutating func forget() { opened.removeAll(keepingCapacity: true) }
}
