// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

/// The directory of a segment store, locked against other programs for as long as it is open.
final class SegmentDirectory: Sendable {
    let path: String
    private let descriptor: Int32

    init(_ path: String) throws(StateError) {
        try StateFiles.makeDirectory(path)
        self.path = path
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StateError("cannot open segments \(path): \(errorText(errno))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw StateError(
                "cannot open segments \(path): "
                    + (errno == EWOULDBLOCK ? "they are in use by another program" : errorText(errno)))
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func filePath(_ number: UInt32) -> String { path + "/" + SegmentFormat.fileName(number) }

    /// The numbers of the segment files, ascending. Other files are none of ours and are passed over.
    func numbers() throws(StateError) -> [UInt32] {
        guard let stream = opendir(path) else {
            throw StateError("cannot list segments \(path): \(errorText(errno))")
        }
        defer { closedir(stream) }
        var result: [UInt32] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else {
                    throw StateError("cannot list segments \(path): \(errorText(errno))")
                }
                return result.sorted()
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = SegmentFormat.number(fileName: name) { result.append(number) }
        }
    }

    /// Waits until the names of new files are on disk.
    func sync() throws(StateError) {
        guard fsync(descriptor) == 0 else {
            throw StateError("cannot sync segments \(path): \(errorText(errno))")
        }
    }
}
