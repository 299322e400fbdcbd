// SPDX-License-Identifier: Apache-2.0

package import RelayCore

extension Hashing {
    /// The chain's value after a revision: the SHA-256 of the text `relay chain 1`, a zero byte, the 32
    /// bytes of the value before, and the record.
    ///
    /// The record is written as follows; numbers are most significant byte first, an optional is one byte 0,
    /// or one byte 1 and the value, and a byte string is its length in eight bytes, then its bytes.
    /// - node (16 bytes), revision (8), device (32), optional origin (16), optional state
    /// - state: parent (16), name (byte string), placement revision (8), payload revision (8), kind (1), and
    ///   - a file's content id (32), size (8), mode (2), modified seconds (8) and nanoseconds (4)
    ///   - a directory's mode (2)
    ///   - a symbolic link's target (byte string)
    package static func chain(after: ChainValue, record: NodeRecord) -> ChainValue {
        var bytes = Array("relay chain 1\0".utf8)
        after.raw.append(to: &bytes)
        append(record, to: &bytes)
        return ChainValue(sha256(bytes))
    }

    private static func append(_ record: NodeRecord, to bytes: inout [UInt8]) {
        append(record.node.raw, to: &bytes)
        bytes.append(bigEndian: record.revision.number)
        record.device.raw.append(to: &bytes)
        bytes.append(record.origin == nil ? 0 : 1)
        if let origin = record.origin { append(origin.raw, to: &bytes) }
        bytes.append(record.state == nil ? 0 : 1)
        guard let state = record.state else { return }
        append(state.placement.parent.raw, to: &bytes)
        append(state.placement.name.bytes, to: &bytes)
        bytes.append(bigEndian: state.placementRevision.number)
        bytes.append(bigEndian: state.payloadRevision.number)
        append(state.payload, to: &bytes)
    }

    private static func append(_ payload: Payload, to bytes: inout [UInt8]) {
        bytes.append(payload.kind.rawValue)
        switch payload {
        case .file(let file):
            file.content.raw.append(to: &bytes)
            bytes.append(bigEndian: file.sizeBytes)
            bytes.append(bigEndian: file.mode.rawValue)
            bytes.append(bigEndian: UInt64(bitPattern: file.modified.seconds))
            bytes.append(bigEndian: file.modified.nanoseconds)
        case .directory(let mode): bytes.append(bigEndian: mode.rawValue)
        case .symlink(let target): append(target, to: &bytes)
        }
    }

    private static func append(_ identifier: Bytes16, to bytes: inout [UInt8]) {
        bytes.append(bigEndian: identifier.high)
        bytes.append(bigEndian: identifier.low)
    }

    private static func append(_ string: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(bigEndian: UInt64(string.count))
        bytes.append(contentsOf: string)
    }
}
