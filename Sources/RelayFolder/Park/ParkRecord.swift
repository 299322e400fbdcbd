// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// What is known of an entry in `.relay/park`: written before the entry gets there, removed after it is gone.
///
/// Whoever finds an entry there, after a crash or because somebody still writes into it, can tell from its
/// record whether it holds anything that is nowhere else, and where that belongs.
struct ParkRecord: Hashable {
    enum Reason: UInt8 {
        /// Something else was placed in its stead.
        case displaced = 0
        /// It was removed.
        case removed = 1
        /// Something else was about to be placed in its stead, after it. It may be that nothing was.
        case displacing = 2
    }

    var reason: Reason
    /// Whether the entry is to stay beside what displaced it, even if it is as expected.
    var keep: Bool
    /// What was expected to be displaced or removed.
    var expected: Fingerprint
    /// The inode that displaces it; the entry is still that one if the displacing never happened.
    var placed: FileIdentity?
    /// The name that the entry gets beside its path, if it must stay.
    var conflictName: EntryName
    /// Where the entry was.
    var path: RelativePath

    private static let digits = [2, 2, 16, 16, 16, 8, 16, 16, 8, 16, 8, 4, 16, 16, 16, 8]

    /// Fixed-width hexadecimal numbers, `/`, the conflict name, `/`, the path. No NUL: it may be a link's
    /// target.
    var encoded: [UInt8] {
        let numbers: [UInt64] =
            [UInt64(reason.rawValue), keep ? 1 : 0] + Self.numbers(expected.identity) + [
                expected.sizeBytes,
                UInt64(bitPattern: expected.modified.seconds), UInt64(expected.modified.nanoseconds),
                UInt64(bitPattern: expected.changed.seconds), UInt64(expected.changed.nanoseconds),
                UInt64(expected.mode),
            ] + Self.numbers(placed ?? Self.nothing)
        var bytes: [UInt8] = []
        for (number, width) in zip(numbers, Self.digits) {
            let text = String(number, radix: 16)
            bytes += Array(String(repeating: "0", count: max(0, width - text.utf8.count)).utf8)
            bytes += Array(text.utf8)
        }
        return bytes + [0x2f] + conflictName.bytes + [0x2f] + path.bytes
    }

    private static let nothing = FileIdentity(device: 0, inode: 0, born: .zero)

    private static func numbers(_ identity: FileIdentity) -> [UInt64] {
        [
            identity.device, identity.inode, UInt64(bitPattern: identity.born.seconds),
            UInt64(identity.born.nanoseconds),
        ]
    }

    init(
        _ reason: Reason, keep: Bool = false, expected: Fingerprint, placed: FileIdentity?,
        conflictName: EntryName, path: RelativePath
    ) {
        self.reason = reason
        self.keep = keep
        self.expected = expected
        self.placed = placed
        self.conflictName = conflictName
        self.path = path
    }

    /// Nil for anything but what `encoded` gives.
    init?(encoded bytes: [UInt8]) {
        let parts = bytes.split(separator: 0x2f, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let numbers = Self.numbers(parts[0]), let name = EntryName(parts[1]),
            let path = RelativePath(bytes: parts[2]), !path.isRoot, !SharedFolder.isOwn(path),
            let first = UInt8(exactly: numbers[0]), let reason = Reason(rawValue: first),
            let mode = UInt16(exactly: numbers[11]),
            let identity = Self.identity(numbers[2...5]), let placed = Self.identity(numbers[12...15]),
            let modified = Self.time(numbers[7...8]), let changed = Self.time(numbers[9...10])
        else { return nil }
        let expected = Fingerprint(
            identity: identity, sizeBytes: numbers[6], modified: modified, changed: changed, mode: mode)
        self.init(
            reason, keep: numbers[1] != 0, expected: expected, placed: placed == Self.nothing ? nil : placed,
            conflictName: name, path: path)
    }

    private static func numbers(_ text: ArraySlice<UInt8>) -> [UInt64]? {
        var rest = text
        var numbers: [UInt64] = []
        for width in digits {
            guard rest.count >= width,
                let number = UInt64(String(decoding: rest.prefix(width), as: UTF8.self), radix: 16)
            else { return nil }
            numbers.append(number)
            rest = rest.dropFirst(width)
        }
        return rest.isEmpty ? numbers : nil
    }

    private static func time(_ numbers: ArraySlice<UInt64>) -> Timestamp? {
        guard let seconds = numbers.first, let last = numbers.last, let nanoseconds = UInt32(exactly: last)
        else { return nil }
        return Timestamp(seconds: Int64(bitPattern: seconds), nanoseconds: nanoseconds)
    }

    private static func identity(_ numbers: ArraySlice<UInt64>) -> FileIdentity? {
        guard let device = numbers.first, let inode = numbers.dropFirst().first,
            let born = time(numbers.dropFirst(2))
        else { return nil }
        return FileIdentity(device: device, inode: inode, born: born)
    }
}
