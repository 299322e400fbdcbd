// SPDX-License-Identifier: Apache-2.0

import RelayCore
import SystemPackage

/// How names are spelled on file systems that take names which differ in case for one: a name then leads to
/// an entry that its directory lists under another.
enum Spelling {
    /// Whether a directory, in which a file of this name surely is, folds names.
    static func foldsNames(in directory: Directory, having name: [UInt8]) throws(Errno) -> Bool {
        let other = name.map { (0x61...0x7a).contains($0) ? $0 - 0x20 : $0 }
        guard let found = try directory.statusIfPresent(other) else { return false }
        let identity = try directory.status(name).identity
        let names = try directory.names().map(\.bytes)
        return found.identity == identity && !names.contains(other)
    }

    /// The name that the directory lists for what `name` leads to; nil if surely nothing is there.
    static func listed(_ name: [UInt8], in directory: Directory) throws(Errno) -> [UInt8]? {
        guard let status = try directory.statusIfPresent(name) else { return nil }
        let names = try directory.names().map(\.bytes)
        if names.contains(name) { return name }
        // Hard links have one inode under several names.
        let folded = EntryName(name)?.folded
        var other: [UInt8]?
        for candidate in names where try directory.statusIfPresent(candidate)?.identity == status.identity {
            if EntryName(candidate)?.folded == folded { return candidate }
            other = candidate
        }
        return other
    }

    /// The other name under which an entry stands where `name` leads; nil if there is none.
    static func other(than name: [UInt8], in directory: Directory) throws(Errno) -> [UInt8]? {
        guard let listed = try listed(name, in: directory), listed != name else { return nil }
        return listed
    }
}
