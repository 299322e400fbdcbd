// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
package import RelayCore
import SystemPackage

/// A file on its way into the folder, `.relay/stage/<node>-<content>`: written in any order, possibly over
/// several attempts, then finished once.
package final class StageFile: Sendable {
    let name: [UInt8]
    private let file: OpenFile
    private let stage: Directory
    private let room: StageRoom
    /// What the file claims of the room until it is closed.
    private let claim: UInt64
    private let tellsHoles: Bool
    private let unsynced: UnsyncedStage
    private let behind = WriteBehind()
    /// Runs of zeros from this length on become holes.
    static let holeBytes = 4096

    init(
        _ file: OpenFile, name: [UInt8], in stage: Directory, room: StageRoom, claim: UInt64,
        tellsHoles: Bool, unsynced: UnsyncedStage
    ) {
        self.file = file
        self.name = name
        self.stage = stage
        self.room = room
        self.claim = claim
        self.tellsHoles = tellsHoles
        self.unsynced = unsynced
    }

    deinit { room.giveBack(claim) }

    /// Writes bytes; a portion of zeros alone takes no room on disk.
    package func write(_ bytes: [UInt8], at offset: UInt64) throws(Problem) {
        try perform("write") { file throws(Errno) in
            if bytes.count >= Self.holeBytes, bytes.isZeros,
                try punchHole(file, at: offset, count: bytes.count)
            {
                return
            }
            try file.write(bytes, at: offset)
            behind.note(file, at: offset, count: UInt64(bytes.count))
        }
        Failpoint.stageWritten.reach()
    }

    /// Makes the file this long if it is shorter, where what is added can be told to be a hole.
    package func extend(to sizeBytes: UInt64) throws(Problem) {
        try perform("extend") { file throws(Errno) in
            guard tellsHoles, try Kernel.status(file).fingerprint.sizeBytes < sizeBytes else { return }
            try file.truncate(to: sizeBytes)
        }
    }

    /// Where the next bytes from `offset` on begin that are no hole, if there are any: at least `offset`, and
    /// `UInt64.max` if there are none. Nil where that cannot be told.
    package func nextData(from offset: UInt64) -> UInt64? {
        guard tellsHoles, let lent = file.lend() else { return nil }
        return lent.descriptor.nextData(from: offset)
    }

    /// Reads `count` bytes of what an earlier attempt or another writer left; fewer where the file ends.
    package func read(at offset: UInt64, count: Int) throws(Problem) -> [UInt8] {
        var result: [UInt8] = []
        try perform("read") { file throws(Errno) in result = try file.bytes(at: offset, count: count) }
        return result
    }

    /// Copies bytes of another file, without passing them through this process where the file system can,
    /// and by sharing them on disk where it can do that. Throws if the source ends before `count` bytes.
    package func copy(
        from source: SourceFile, at sourceOffset: UInt64, count: UInt64, to offset: UInt64
    ) throws(Problem) {
        guard let lent = source.file.lend() else {
            throw Problem(.other, "cannot copy a chunk: its source was closed")
        }
        var done: UInt64 = 0
        try perform("copy into") { file throws(Errno) in
            while done < count {
                let copied = try Self.copyRange(
                    lent.descriptor, at: sourceOffset &+ done, file, at: offset &+ done,
                    count: count - done)
                guard copied > 0 else { break }
                behind.note(file, at: offset &+ done, count: copied)
                done += copied
            }
        }
        try copyPlainly(from: source, at: sourceOffset, done: done, count: count, to: offset)
    }

    /// Completes and closes the file: its size, mode and time are set. All is on disk when this returns or,
    /// of a small file, before it is placed. After a failure the staged file is gone, for what is in it
    /// cannot be relied on.
    package func finish(_ payload: FilePayload) throws(Problem) {
        let isSmall = payload.sizeBytes <= UnsyncedStage.limitBytes
        if isSmall { unsynced.note(name) }
        try finish(
            sizeBytes: payload.sizeBytes, mode: payload.mode, modified: payload.modified, isSynced: !isSmall)
    }

    /// As above, on disk if `isSynced`; nil keeps the present size, or the time of the last write.
    func finish(
        sizeBytes: UInt64?, mode: PermissionBits, modified: Timestamp?, isSynced: Bool = true
    ) throws(Problem) {
        defer { close() }
        do throws(Problem) {
            try perform("finish") { file throws(Errno) in
                if let sizeBytes { try file.truncate(to: sizeBytes) }
                try file.setModeIfPossible(PermissionMode(mode.rawValue))
                if let modified {
                    try file.setModified(seconds: modified.seconds, nanoseconds: modified.nanoseconds)
                }
                Failpoint.stageComplete.reach()
                guard isSynced else { return }
                try file.sync()
                Failpoint.stageSynced.reach()
            }
        } catch {
            unsynced.forget(name)
            try? stage.unlink(name)
            throw error
        }
    }

    /// Closes the file, once the calls under way are done. What is staged stays.
    package func close() {
        file.close()
        room.giveBack(claim)
    }

    // MARK: Calls

    private func perform(
        _ verb: String, _ body: (borrowing Descriptor) throws(Errno) -> Void
    ) throws(Problem) {
        let shown = RelativePath([.relayDirectory]).appending(Self.shownDirectory)
        let path = EntryName(name).map { shown.appending($0) } ?? shown
        guard let lent = file.lend() else { throw .closed(cannot: verb, path) }
        do throws(Errno) {
            try body(lent.descriptor)
        } catch {
            throw Problem(error, cannot: verb, path)
        }
    }

    private static let shownDirectory = EntryName("stage") ?? .relayDirectory

    /// False if the file system has no holes. The file's size covers the range afterwards.
    private func punchHole(
        _ file: borrowing Descriptor, at offset: UInt64, count: Int
    ) throws(Errno) -> Bool {
        guard let start = Int64(exactly: offset),
            offset.addingReportingOverflow(UInt64(count)).overflow == false
        else { throw .fileTooLarge }
        let number = file.number
        let mode = RELAY_FALLOC_KEEP_SIZE | RELAY_FALLOC_PUNCH_HOLE
        guard relay_fallocate(number, mode, start, Int64(count)) == 0 else { return false }
        // The last byte alone sets the size, also while others write elsewhere in the file.
        let end = offset + UInt64(count) - 1
        if try Kernel.status(file).fingerprint.sizeBytes <= end {
            try file.write([0], at: end)
        }
        return true
    }

    /// How many bytes were copied; zero where the source ends, or the kernel cannot do it.
    private static func copyRange(
        _ source: borrowing Descriptor, at from: UInt64, _ target: borrowing Descriptor, at to: UInt64,
        count: UInt64
    ) throws(Errno) -> UInt64 {
        guard var start = Int64(exactly: from), var end = Int64(exactly: to) else { throw .fileTooLarge }
        let (input, output) = (source.number, target.number)
        let portion = min(count, 1 << 30)
        do throws(Errno) {
            return UInt64(try Kernel.retrying { relay_copy_file_range(input, &start, output, &end, portion) })
        } catch {
            switch error {
            case .invalidArgument, .noFunction, .notSupported, .notSupportedOnSocket, .improperLink,
                .badFileDescriptor, .notPermitted, .textFileBusy:
                return 0
            default: throw error
            }
        }
    }

    /// Copies what the kernel did not, in portions.
    private func copyPlainly(
        from source: SourceFile, at sourceOffset: UInt64, done: UInt64, count: UInt64, to offset: UInt64
    ) throws(Problem) {
        var done = done
        while done < count {
            let wanted = Int(min(count - done, UInt64(ContentLimits.chunkBytes)))
            let bytes = try source.read(at: sourceOffset &+ done, count: wanted)
            guard bytes.count == wanted else {
                throw Problem(.other, "cannot copy a chunk: its source has become shorter")
            }
            try write(bytes, at: offset &+ done)
            done += UInt64(wanted)
        }
    }
}

extension [UInt8] {
    var isZeros: Bool { allSatisfy { $0 == 0 } }
}
