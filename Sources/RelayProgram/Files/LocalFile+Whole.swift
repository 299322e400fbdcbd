// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore

extension LocalFile {
    /// All bytes of a file; none if it is not there.
    package static func readIfPresent(_ path: [UInt8]) throws(ControlError) -> [UInt8] {
        let file: LocalFile
        do throws(ControlError) {
            file = try LocalFile(path: path)
        } catch {
            if case .notFound = error { return [] }
            throw error
        }
        var bytes: [UInt8] = []
        while let next = try file.next() { bytes += next }
        return bytes
    }

    /// Appends bytes to a file in one write, so that no edit of others is lost; makes the file if it is not
    /// there. A link is not followed.
    package static func append(_ bytes: [UInt8], to path: [UInt8]) throws(ControlError) {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY
        let descriptor = path.withCString { open($0, flags, 0o644) }
        guard descriptor >= 0 else {
            throw .failed("cannot open \(displayText(path)): \(errnoText())")
        }
        defer { close(descriptor) }
        var count = 0
        repeat {
            count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        } while count < 0 && errno == EINTR
        guard count == bytes.count else {
            let cause = count < 0 ? errnoText() : "only \(count) of \(bytes.count) bytes were written"
            throw .failed("cannot write \(displayText(path)): \(cause)")
        }
    }
}
