// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import RelayCore
import SystemPackage

/// A write-protected directory that is made writable for one step, with a note in `.relay/park` of the mode
/// that it gets back: also after a crash, before anybody looks at it and takes the mode for the user's.
struct LoosenedDirectory {
    private let directory: Directory
    private let mode: UInt16
    /// The names of the notes.
    private var notes: [[UInt8]] = []

    /// `paths`: where the directory may be found before and after the step. Nil if it is writable anyway.
    init?(_ directory: Directory, at paths: [RelativePath], in park: Park) throws(Errno) {
        let fingerprint = try directory.status().fingerprint
        guard fingerprint.mode & Self.writable != Self.writable else { return nil }
        self.directory = directory
        mode = fingerprint.mode
        do throws(Errno) {
            for path in paths {
                let id = Park.makeID()
                let note = LoosenedNote(mode: mode, identity: fingerprint.identity, path: path)
                try park.write(note.encoded, as: LoosenedNote.name(id), for: id)
                notes.append(LoosenedNote.name(id))
            }
            Failpoint.looseningNoted.reach()
            try directory.descriptor.setModeByPath(PermissionMode(mode | Self.writable))
            Failpoint.loosened.reach()
        } catch {
            for name in notes { try? park.directory.unlink(name) }
            throw error
        }
    }

    /// What the owner needs to change a directory's entries.
    static let writable: UInt16 = 0o300

    /// Gives the directory its mode back. If that fails, the note stays.
    func tighten(in park: Park) {
        do throws(Errno) {
            try directory.descriptor.setModeByPath(PermissionMode(mode))
            Failpoint.tightened.reach()
            for name in notes { try park.directory.unlink(name) }
        } catch {
            // `settleParked` tries again.
        }
    }
}

/// What must be known to give a directory its mode back.
struct LoosenedNote: Hashable {
    /// The low twelve bits that it had.
    let mode: UInt16
    let identity: FileIdentity
    let path: RelativePath

    init(mode: UInt16, identity: FileIdentity, path: RelativePath) {
        self.mode = mode
        self.identity = identity
        self.path = path
    }

    var loosenedMode: UInt16 { mode | LoosenedDirectory.writable }

    private static let suffix = Array(".loosened".utf8)

    static func name(_ id: [UInt8]) -> [UInt8] { id + suffix }

    static func isName(_ name: [UInt8]) -> Bool {
        name.count == 32 + suffix.count && name.suffix(suffix.count) == suffix[...]
    }

    /// Four numbers and the path, `/` between them. No NUL: it may be a link's target.
    var encoded: [UInt8] {
        let numbers = "\(mode)/\(identity.device)/\(identity.inode)/\(identity.born.seconds)"
        return Array("\(numbers)/\(identity.born.nanoseconds)/".utf8) + path.bytes
    }

    /// Nil for anything but what `encoded` gives.
    init?(encoded bytes: [UInt8]) {
        let parts = bytes.split(separator: 0x2f, maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, let mode = Self.number(UInt16.self, parts[0]), mode <= 0o7777,
            let device = Self.number(UInt64.self, parts[1]), let inode = Self.number(UInt64.self, parts[2]),
            let seconds = Self.number(Int64.self, parts[3]),
            let nanoseconds = Self.number(UInt32.self, parts[4]),
            let path = parts[5].isEmpty ? RelativePath.root : RelativePath(bytes: parts[5]),
            !SharedFolder.isOwn(path)
        else { return nil }
        let born = Timestamp(seconds: seconds, nanoseconds: nanoseconds)
        self.init(
            mode: mode, identity: FileIdentity(device: device, inode: inode, born: born), path: path)
    }

    private static func number<Number: FixedWidthInteger>(
        _ type: Number.Type, _ text: ArraySlice<UInt8>
    ) -> Number? {
        Number(String(decoding: text, as: UTF8.self))
    }
}

extension Park {
    /// Gives those directories their mode back that a crash left loosened, where nobody has changed it since.
    func tightenLoosened() {
        guard let names = try? directory.names() else { return }
        for name in names where LoosenedNote.isName(name.bytes) {
            do throws(Errno) {
                if let note = text(of: name.bytes).flatMap({ LoosenedNote(encoded: $0) }) {
                    try tighten(note)
                }
                try directory.unlink(name.bytes)
            } catch {
                // It is tried again the next time.
            }
        }
    }

    private func tighten(_ note: LoosenedNote) throws(Errno) {
        do throws(Errno) {
            let directory = try folder.root.directory(at: note.path)
            let found = try directory.status().fingerprint
            guard found.identity == note.identity, found.mode == note.loosenedMode else { return }
            try directory.descriptor.setModeByPath(PermissionMode(note.mode))
        } catch {
            // It was moved or removed since.
            if !error.isAbsence { throw error }
        }
    }
}
