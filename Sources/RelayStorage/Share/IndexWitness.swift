// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore

/// A small file beside a share's index that tells how far the index has come, so that an index that lost its
/// last transactions, or is not the one that was used before, is not taken for the newest.
///
/// It is written after each transaction and not waited for: after a power cut it may tell of less than the
/// index holds, never of more.
package final class IndexWitness: Sendable {
    /// What the file says.
    package enum Testimony: Equatable, Sendable {
        case missing
        /// The file holds no testimony, as after a power cut while it was made.
        case senseless
        case head(Cursor)
    }

    private let path: String
    private let descriptor: Int32

    /// Where the witness of an index lies.
    package static func path(of index: String) -> String { index + ".head" }

    /// What the witness of this index says.
    package static func testimony(of index: String) throws(StateError) -> Testimony {
        let path = path(of: index)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return .missing }
            throw StateError("cannot open \(path): \(errorText(errno))")
        }
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 256)
        let count = read(descriptor, &text, text.count)
        guard count >= 0 else { throw StateError("cannot read \(path): \(errorText(errno))") }
        return parse(text.prefix(count)).map { .head($0) } ?? .senseless
    }

    /// Opens the witness of this index for writing; makes it, with what it says, if it is not there.
    package init(of index: String, head: Cursor) throws(StateError) {
        path = Self.path(of: index)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StateError("cannot open \(path): \(errorText(errno))") }
        write(head)
        // That the file is there at all is to be on disk, so that one that is missing was removed.
        guard fsync(descriptor) == 0 else { throw StateError("cannot sync \(path): \(errorText(errno))") }
        try StateFiles.syncDirectory(of: path)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Tells of a newer head. Without success the witness tells of less than it could.
    package func write(_ head: Cursor) {
        let text = Self.format(head)
        _ = pwrite(descriptor, text, text.count, 0)
    }

    /// Epoch, revision and chain value, of the same length for each head.
    private static func format(_ head: Cursor) -> [UInt8] {
        let digits = String(head.revision.number)
        let revision = String(repeating: "0", count: max(0, 20 - digits.count)) + digits
        return Array("\(head.epoch) \(revision) \(head.chain)\n".utf8)
    }

    private static func parse(_ text: ArraySlice<UInt8>) -> Cursor? {
        guard text.last == 0x0a else { return nil }
        let words = String(decoding: text.dropLast(), as: UTF8.self).split(
            separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, let epoch = bytes(hexadecimal: words[0]).flatMap(Bytes16.init(bytes:)),
            let revision = UInt64(words[1]),
            let chain = bytes(hexadecimal: words[2]).flatMap(Bytes32.init(bytes:))
        else { return nil }
        return Cursor(epoch: Epoch(epoch), revision: Revision(revision), chain: ChainValue(chain))
    }
}
