// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import SystemPackage

/// Moves a directory where it cannot be renamed: makes it anew, and moves its entries.
///
/// A crash in between leaves two directories, each with a part of the entries; none is lost.
struct EntrywiseMove {
    let folder: SharedFolder
    let source: Directory
    let target: Directory

    /// What then stands at the new name.
    func carryOut(_ oldName: [UInt8], to newName: [UInt8]) throws(Errno) -> Fingerprint {
        try move(oldName, from: source, to: target, as: newName)
        return try target.status(newName).fingerprint
    }

    private func move(
        _ oldName: [UInt8], from source: Directory, to target: Directory, as newName: [UInt8]
    ) throws(Errno) {
        let mode = PermissionMode(try source.status(oldName).fingerprint.mode)
        try Kernel.makeDirectory(target.descriptor, newName, mode: 0o700)
        let old = try open(oldName, in: source)
        let new = try open(newName, in: target)
        do throws(Errno) {
            try moveEntries(of: old, to: new)
            // Somebody may have made something in it meanwhile; that must not be left behind.
            try moveEntries(of: old, to: new)
            try new.descriptor.setMode(mode)
            try Kernel.removeDirectory(source.descriptor, oldName)
        } catch {
            // Where that fails too, both stay.
            try? moveEntries(of: new, to: old)
            try? Kernel.removeDirectory(target.descriptor, newName)
            throw error
        }
        try new.descriptor.sync()
    }

    private func moveEntries(of old: Directory, to new: Directory) throws(Errno) {
        for name in try old.names() {
            do throws(Errno) {
                try folder.renameNoReplace(old, name.bytes, to: new, name.bytes)
            } catch {
                guard error == .improperLink, try old.status(name.bytes).kind == .directory else {
                    throw error
                }
                try move(name.bytes, from: old, to: new, as: name.bytes)
            }
        }
    }

    private func open(_ name: [UInt8], in parent: Directory) throws(Errno) -> Directory {
        Directory(try parent.open(name, O_RDONLY | O_DIRECTORY), isReadable: true)
    }
}
