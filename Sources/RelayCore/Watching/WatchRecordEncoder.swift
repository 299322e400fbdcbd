// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Collects records as bytes to be written.
package struct WatchRecordEncoder {
    /// The records so far, whole ones.
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package var isEmpty: Bool { bytes.isEmpty }

    /// Forgets the records, and keeps the memory for the next ones.
    package mutating func removeAll() { bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20) }

    /// Adds a record. Hints that are too many for one record become several records.
    package mutating func append(_ record: WatchRecord) {
        switch record {
        case .ready: frame(.ready) { _ in }
        case .overflow: frame(.overflow) { _ in }
        case .rootGone(let text): frame(.rootGone) { $0 += text.utf8.prefix(4096) }
        case .hints(let hints):
            var rest = hints[...]
            while !rest.isEmpty { frame(.hints) { Self.append(&rest, to: &$0) } }
        case .polling(let count, let directories):
            frame(.polling) { bytes in
                let start = bytes.count
                bytes.append(bigEndian: count)
                for directory in directories.prefix(WatchRecord.limitPollingPaths) {
                    let path = directory.bytes
                    guard bytes.count - start + path.count + 8 < WatchRecord.limitBytes else { break }
                    Self.append(path: path, to: &bytes)
                }
            }
        }
    }

    private mutating func frame(_ tag: WatchRecord.Tag, body: (inout [UInt8]) -> Void) {
        let start = bytes.count
        bytes.append(bigEndian: UInt32(0))
        bytes.append(tag.rawValue)
        body(&bytes)
        let length = UInt32(truncatingIfNeeded: bytes.count - start - 4)
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: length.bigEndian, toByteOffset: start, as: UInt32.self)
        }
    }

    /// Takes as many hints off the front as one record holds, at least one.
    private static func append(_ hints: inout ArraySlice<Hint>, to bytes: inout [UInt8]) {
        let start = bytes.count
        while let hint = hints.first {
            let (tag, path) =
                switch hint {
                case .entry(let path, let writing): (writing ? WatchRecord.HintTag.writing : .entry, path)
                case .subtree(let path): (WatchRecord.HintTag.subtree, path)
                case .deleted(let path): (WatchRecord.HintTag.deleted, path)
                }
            let pathBytes = path.bytes
            let used = bytes.count - start
            guard used == 0 || used + pathBytes.count + 6 <= WatchRecord.limitBytes else { return }
            bytes.append(tag.rawValue)
            append(path: pathBytes, to: &bytes)
            hints.removeFirst()
        }
    }

    private static func append(path: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(bigEndian: UInt32(truncatingIfNeeded: path.count))
        bytes += path
    }
}
