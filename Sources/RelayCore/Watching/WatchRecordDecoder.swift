// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Makes records of bytes as they come, in portions of any size.
///
/// Memory is bounded by one record of `WatchRecord.limitBytes` and a portion. After an error the rest of
/// the bytes means nothing.
package struct WatchRecordDecoder {
    private var pending: [UInt8] = []
    private var start = 0

    package init() {}

    /// Adds bytes behind those not taken yet.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0 {
            pending.removeFirst(start)
            start = 0
        }
        pending += bytes
    }

    /// The next whole record; nil when more bytes are needed.
    package mutating func next() throws(WatchRecordError) -> WatchRecord? {
        guard pending.count - start >= 4 else { return nil }
        let length = Int(pending.withBytes { $0.word(start, as: UInt32.self) })
        guard length >= 1, length <= WatchRecord.limitBytes else {
            throw WatchRecordError("a watch record of \(length) bytes is not within the limit")
        }
        guard pending.count - start - 4 >= length else { return nil }
        let record = try Self.decode(pending[(start + 4)..<(start + 4 + length)])
        start += 4 + length
        return record
    }

    private static func decode(_ record: ArraySlice<UInt8>) throws(WatchRecordError) -> WatchRecord {
        guard let type = record.first, let tag = WatchRecord.Tag(rawValue: type) else {
            throw WatchRecordError("unknown type of watch record")
        }
        var reader = Reader(rest: record.dropFirst())
        let result: WatchRecord
        switch tag {
        case .ready: result = .ready
        case .overflow: result = .overflow
        case .rootGone:
            result = .rootGone(String(decoding: reader.rest, as: UTF8.self))
            reader.rest = []
        case .hints:
            var hints: [Hint] = []
            while !reader.rest.isEmpty { hints.append(try reader.hint()) }
            result = .hints(hints)
        case .polling:
            let count = try reader.number()
            var directories: [RelativePath] = []
            while !reader.rest.isEmpty { directories.append(try reader.path()) }
            result = .polling(count: count, directories: directories)
        }
        guard reader.rest.isEmpty else { throw WatchRecordError("a watch record has bytes too many") }
        return result
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ count: Int) throws(WatchRecordError) -> ArraySlice<UInt8> {
            guard count <= rest.count else { throw WatchRecordError("a watch record has bytes too few") }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }

        mutating func number() throws(WatchRecordError) -> UInt32 {
            try take(4).withBytes { $0.word(0, as: UInt32.self) }
        }

        mutating func path() throws(WatchRecordError) -> RelativePath {
            let length = Int(try number())
            guard let path = RelativePath(bytes: try take(length)) else {
                throw WatchRecordError("a watch record has a path that is none")
            }
            return path
        }

        mutating func hint() throws(WatchRecordError) -> Hint {
            guard let tag = WatchRecord.HintTag(rawValue: try take(1).first ?? .max) else {
                throw WatchRecordError("unknown type of hint")
            }
            let path = try path()
            return switch tag {
            case .entry: .entry(path, writing: false)
            case .writing: .entry(path, writing: true)
            case .subtree: .subtree(path)
            case .deleted: .deleted(path)
            }
        }
    }
}
