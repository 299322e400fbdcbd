// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore
import Synchronization

/// Where a downloaded content goes: a file that appears whole or not at all, or a stream (standard output, a
/// pipe, a device) that gets the bytes as they come.
package final class DownloadFile: Sendable {
    /// Where the bytes go in the end, for people.
    package let description: String

    private let descriptor: Int32
    private let place: Place
    private let isFinished = Mutex(false)

    private enum Place {
        /// Bytes go to `draft`, which becomes `final`.
        case file(final: [UInt8], draft: [UInt8])
        case stream(closes: Bool)
    }

    /// Opens the destination: `-` is standard output, a directory takes a file of this name.
    package convenience init(destination: [UInt8], name: EntryName) throws(ControlError) {
        if destination == [0x2d] {
            self.init(STDOUT_FILENO, .stream(closes: false), "standard output")
            return
        }
        var status = stat()
        let isThere = destination.withCString { stat($0, &status) } == 0
        let kind = status.st_mode & S_IFMT
        if isThere, kind == S_IFDIR {
            let slash: [UInt8] = destination.last == 0x2f ? [] : [0x2f]
            try self.init(draftOf: destination + slash + name.bytes)
        } else if isThere, kind != S_IFREG {
            let descriptor = destination.withCString { open($0, O_WRONLY | O_CLOEXEC | O_NOCTTY) }
            guard descriptor >= 0 else {
                throw .failed("cannot open \(displayText(destination)): \(errnoText())")
            }
            self.init(descriptor, .stream(closes: true), displayText(destination))
        } else {
            try self.init(draftOf: destination)
        }
    }

    /// A file beside the one that it is to become, with a random name so that two downloads do not meet.
    private convenience init(draftOf final: [UInt8]) throws(ControlError) {
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        let suffix = (0..<8).compactMap { _ in letters.randomElement() }
        let draft = final + Array(".tmp-".utf8) + suffix
        let descriptor = draft.withCString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        guard descriptor >= 0 else {
            let cause = errnoText()
            guard errno == ENOENT, let slash = final.lastIndex(of: 0x2f) else {
                throw .failed("cannot make \(displayText(final)): \(cause)")
            }
            throw .failed(
                "cannot make \(displayText(final)): there is no \(displayText(Array(final[..<slash])))")
        }
        self.init(descriptor, .file(final: final, draft: draft), displayText(final))
    }

    private init(_ descriptor: Int32, _ place: Place, _ description: String) {
        self.descriptor = descriptor
        self.place = place
        self.description = description
    }

    /// A draft that did not become the file is removed.
    deinit {
        switch place {
        case .file(_, let draft):
            close(descriptor)
            if !isFinished.withLock({ $0 }) { _ = draft.withCString { unlink($0) } }
        case .stream(let closes): if closes { close(descriptor) }
        }
    }

    /// Writes all of the bytes behind those before.
    package func write(_ bytes: [UInt8]) throws(ControlError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .failed("cannot write \(description): \(errnoText())") }
            rest = rest.dropFirst(count)
        }
    }

    /// Sets mode and time, makes the file durable and gives it its name.
    package func finish(mode: PermissionBits, modified: Timestamp?) throws(ControlError) {
        guard case .file(let final, let draft) = place else { return }
        if let modified {
            let times = [modified.timespec, modified.timespec]
            guard futimens(descriptor, times) == 0 else {
                throw .failed("cannot set the time of \(description): \(errnoText())")
            }
        }
        guard fchmod(descriptor, mode_t(mode.rawValue)) == 0, fsync(descriptor) == 0 else {
            throw .failed("cannot finish \(description): \(errnoText())")
        }
        let result = draft.withCString { from in final.withCString { to in rename(from, to) } }
        guard result == 0 else { throw .failed("cannot place \(description): \(errnoText())") }
        isFinished.withLock { $0 = true }
    }
}
