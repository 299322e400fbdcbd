// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore
import SystemPackage

extension SharedFolder {
    /// Opens the staged file of a node and a content: the one that an earlier attempt left, or a new one.
    ///
    /// A new one is refused when the disk has no room for `sizeBytes`. What is already there may be anything,
    /// and is to be verified before it is relied on.
    package func stage(
        node: NodeID, content: ContentID, sizeBytes: UInt64
    ) throws(Problem) -> StageFile {
        let name = StageName.bytes(node: node, content: content)
        guard !isClosed else { throw Problem(.other, "cannot stage a file: the folder was closed") }
        do throws(Errno) {
            if let left = try reopen(name) { return StageFile(left, name: name, in: stage) }
            try checkRoom(sizeBytes)
            let file = try stage.open(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            Failpoint.stageOpened.reach()
            return StageFile(file, name: name, in: stage)
        } catch {
            throw Problem(Problem.Cause(error), "cannot stage \(sizeBytes) bytes: \(roomText(error))")
        }
    }

    /// Removes a staged file; none is fine.
    package func unstage(node: NodeID, content: ContentID) {
        guard !isClosed else { return }
        try? stage.unlink(StageName.bytes(node: node, content: content))
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
    private func reopen(_ name: [UInt8]) throws(Errno) -> Descriptor? {
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

    private func checkRoom(_ sizeBytes: UInt64) throws(Errno) {
        if let free = freeBytes(), free < sizeBytes { throw .noSpace }
    }

    private func freeBytes() -> UInt64? {
        var room = statvfs()
        guard fstatvfs(stage.descriptor.number, &room) == 0 else { return nil }
        let (bytes, overflow) = UInt64(room.f_bavail).multipliedReportingOverflow(by: UInt64(room.f_frsize))
        // Some network file systems do not tell.
        return overflow || room.f_blocks == 0 ? nil : bytes
    }

    private func roomText(_ error: Errno) -> String {
        guard error == .noSpace, let free = freeBytes() else { return error.causeText }
        return "\(error.causeText) (\(free) bytes free)"
    }
}

/// The names of staged files: `<node>-<content>` in hexadecimal digits.
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
