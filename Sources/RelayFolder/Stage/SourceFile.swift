// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore
import SystemPackage

/// A file of the folder that chunks are read from. The bytes are only as good as their verification.
package final class SourceFile: Sendable {
    let file: OpenFile
    private let path: RelativePath
    private let fingerprint: Fingerprint
    private let tellsHoles: Bool

    init(
        _ descriptor: consuming Descriptor, path: RelativePath, fingerprint: Fingerprint, tellsHoles: Bool
    ) {
        file = OpenFile(descriptor)
        self.path = path
        self.fingerprint = fingerprint
        self.tellsHoles = tellsHoles
    }

    /// Reads `count` bytes; fewer, or none, where the file ends.
    package func read(at offset: UInt64, count: Int) throws(Problem) -> [UInt8] {
        guard let lent = file.lend() else { throw .closed(cannot: "read", path) }
        do throws(Errno) {
            return try lent.descriptor.bytes(at: offset, count: count)
        } catch {
            throw Problem(error, cannot: "read", path)
        }
    }

    /// Where the next bytes from `offset` on begin that are no hole, as of `StageFile`.
    package func nextData(from offset: UInt64) -> UInt64? {
        guard tellsHoles, let lent = file.lend() else { return nil }
        return lent.descriptor.nextData(from: offset)
    }

    /// What the file has on disk; nil if it cannot be told.
    package var allocatedBytes: UInt64? {
        guard let lent = file.lend() else { return nil }
        return try? Kernel.status(lent.descriptor).allocatedBytes
    }

    /// Whether the file is still the one, and as it was, when it was opened.
    package func isUnchanged() -> Bool {
        guard let lent = file.lend() else { return false }
        return (try? Kernel.status(lent.descriptor).fingerprint) == fingerprint
    }

    /// Closes the file, once the calls under way are done.
    package func close() { file.close() }
}

extension SharedFolder {
    /// Opens a file as a source of chunks; a file that is not as expected any more is a problem.
    package func openSource(
        _ path: RelativePath, expecting: Fingerprint
    ) throws(Problem) -> SourceFile {
        guard !isClosed else { throw .closed(cannot: "read", path) }
        guard let name = path.name, !Self.isOwn(path) else {
            throw Problem(.other, "cannot read \(path): it is not a file")
        }
        do throws(Errno) {
            let parent = try root.directory(at: path.parent)
            let file = try parent.open(name.bytes, O_RDONLY | O_NONBLOCK)
            let status = try Kernel.status(file)
            guard status.kind == .file, status.fingerprint == expecting else {
                throw .resourceTemporarilyUnavailable
            }
            return SourceFile(
                file, path: path, fingerprint: expecting, tellsHoles: fileSystem.tellsHoles)
        } catch {
            if error == .resourceTemporarilyUnavailable {
                throw Problem(.other, "cannot read \(path): it has changed")
            }
            throw Problem(error, cannot: "read", path)
        }
    }
}

extension Descriptor {
    /// Up to `count` bytes from `offset`; fewer only at the end of the file.
    func bytes(at offset: UInt64, count: Int) throws(Errno) -> [UInt8] {
        guard count > 0 else { return [] }
        let number = self.number
        var failure: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let borrowed = UnsafeMutableRawBufferPointer(buffer)
            do throws(Errno) {
                initialized = try Descriptor.read(number, into: borrowed, at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
