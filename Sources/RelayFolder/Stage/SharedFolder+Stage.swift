// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore
import SystemPackage

extension SharedFolder {
    /// Opens the staged file of a node and a content: the one that an earlier attempt left, or a new one.
    ///
    /// It is refused, and gives back what it has on disk, when the disk has no room for it beside the other
    /// files that are being staged; `dataBytes` of it are no zeros, if that is known. What is already there
    /// may be anything, and is to be verified before it is relied on.
    package func stage(
        node: NodeID, content: ContentID, sizeBytes: UInt64, dataBytes: UInt64? = nil
    ) throws(Problem) -> StageFile {
        let roomBytes = fileSystem.tellsHoles ? min(dataBytes ?? sizeBytes, sizeBytes) : sizeBytes
        let name = StageName.bytes(node: node, content: content)
        guard !isClosed else { throw Problem(.other, "cannot stage a file: the folder was closed") }
        do throws(Errno) {
            do throws(Errno) {
                return try stage(name, roomBytes)
            } catch {
                // Somebody may have removed the directory.
                guard error == .noSuchFileOrDirectory else { throw error }
                renewOwnDirectories()
                return try stage(name, roomBytes)
            }
        } catch {
            throw Problem(Problem.Cause(error), "cannot stage \(roomBytes) bytes: \(roomText(error))")
        }
    }

    private func stage(_ name: [UInt8], _ roomBytes: UInt64) throws(Errno) -> StageFile {
        let stage = stage
        let file: OpenFile
        if let left = try reopen(name, in: stage) {
            file = OpenFile(left)
        } else {
            file = OpenFile(try stage.open(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600))
            Failpoint.stageOpened.reach()
        }
        do throws(Errno) {
            let claim = try room.claim(roomBytes, for: file, in: stage)
            return StageFile(
                file, name: name, in: stage, room: room, claim: claim, tellsHoles: fileSystem.tellsHoles,
                unsynced: unsynced)
        } catch {
            file.close()
            try? stage.unlink(name)
            throw error
        }
    }

    /// Stages a small content in one step: as `stage`, and the file's `write` and `finish`. Throws where the
    /// disk has no room; nothing is staged then.
    package func stageWhole(node: NodeID, _ payload: FilePayload, _ bytes: [UInt8]) throws(Problem) {
        let name = StageName.bytes(node: node, content: payload.content)
        guard !isClosed else { throw Problem(.other, "cannot stage a file: the folder was closed") }
        do throws(Errno) {
            do throws(Errno) {
                try stageWhole(name, payload, bytes, isSynced: false)
            } catch {
                // Somebody may have removed the directory.
                guard error == .noSuchFileOrDirectory else { throw error }
                renewOwnDirectories()
                try stageWhole(name, payload, bytes, isSynced: false)
            }
            unsynced.note(name)
        } catch {
            throw Problem(Problem.Cause(error), "cannot stage \(bytes.count) bytes: \(roomText(error))")
        }
    }

    /// `isSynced`: it is on disk when this returns.
    func stageWhole(
        _ name: [UInt8], _ payload: FilePayload, _ bytes: [UInt8], isSynced: Bool
    ) throws(Errno) {
        let stage = stage
        let file = try openNew(name, in: stage)
        Failpoint.stageOpened.reach()
        do throws(Errno) {
            let isHole = fileSystem.tellsHoles && bytes.count >= StageFile.holeBytes && bytes.isZeros
            if isHole {
                try file.truncate(to: UInt64(bytes.count))
            } else {
                try room.admit(UInt64(bytes.count), in: stage)
                try file.write(bytes, at: 0)
            }
            Failpoint.stageWritten.reach()
            try file.setModeIfPossible(PermissionMode(payload.mode.rawValue))
            try file.setModified(
                seconds: payload.modified.seconds, nanoseconds: payload.modified.nanoseconds)
            Failpoint.stageComplete.reach()
            guard isSynced else { return }
            try file.sync()
            Failpoint.stageSynced.reach()
        } catch {
            try? stage.unlink(name)
            throw error
        }
    }

    /// A new file at the name, whatever an earlier attempt left there.
    private func openNew(_ name: [UInt8], in stage: Directory) throws(Errno) -> Descriptor {
        do throws(Errno) {
            return try stage.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        } catch {
            guard error == .fileExists else { throw error }
        }
        try stage.unlink(name)
        return try stage.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    }

    /// Whether a file that was refused a moment ago, because the disk was full, would have room now. To be
    /// called now and then; it is cheap.
    package func hasRoomAgain() -> Bool { !isClosed && room.hasRoomAgain(in: stage) }

    /// Whether a file that was refused still has no room, as far as that was asked.
    package var waitsForRoom: Bool { room.hasRefused }

    /// Removes a staged file; none is fine.
    package func unstage(node: NodeID, content: ContentID) {
        guard !isClosed else { return }
        let name = StageName.bytes(node: node, content: content)
        unsynced.forget(name)
        try? stage.unlink(name)
    }

    /// Removes the staged files of all other nodes, and everything that is no staged file. For the start,
    /// before anything is staged.
    package func sweepStage(keeping nodes: Set<NodeID>) {
        guard !isClosed, let names = try? stage.names() else { return }
        for name in names where StageName.node(name.bytes).map({ !nodes.contains($0) }) ?? true {
            try? stage.unlink(name.bytes)
        }
    }

    /// Nil when there is none that can be written to.
    private func reopen(_ name: [UInt8], in stage: Directory) throws(Errno) -> Descriptor? {
        do throws(Errno) {
            let file = try stage.open(name, O_RDWR | O_NONBLOCK)
            let status = try Kernel.status(file)
            // A link to it from elsewhere would be written through.
            if status.kind == .file, status.links == 1 {
                try file.setMode(0o600)
                return file
            }
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            guard error == .permissionDenied || error == .tooManySymbolicLinkLevels else { throw error }
        }
        try stage.unlink(name)
        return nil
    }

    private func roomText(_ error: Errno) -> String {
        guard error == .noSpace, let (free, _) = StageRoom.freeBytes(in: stage) else {
            return error.causeText
        }
        return "\(error.causeText) (\(free) bytes free)"
    }
}

/// The names of files that were staged for steps to come: `<node>-<content>` in hexadecimal digits.
enum StageName {
    static func bytes(node: NodeID, content: ContentID) -> [UInt8] {
        hexadecimalBytes(node.bytes) + [0x2d] + hexadecimalBytes(content.bytes)
    }

    /// The node that a name was made for; nil for any other name.
    static func node(_ name: [UInt8]) -> NodeID? {
        guard name.count == 97, name[32] == 0x2d else { return nil }
        let text = String(decoding: name[..<32], as: UTF8.self)
        return RelayCore.bytes(hexadecimal: text).flatMap { NodeID(bytes: $0) }
    }
}
