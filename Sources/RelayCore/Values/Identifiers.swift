// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Sixteen opaque bytes, held inline so that identifiers cost no allocation.
package struct Bytes16: Hashable, Sendable, Comparable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads exactly sixteen bytes, most significant first; nil for any other count.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        (high, low) = bytes.withBytes { ($0.word(0), $0.word(8)) }
    }

    /// The sixteen bytes, most significant first.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(16)
        result.append(bigEndian: high)
        result.append(bigEndian: low)
        return result
    }

    package static func < (left: Bytes16, right: Bytes16) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// Thirty-two opaque bytes, held inline: digests and what is named by them.
package struct Bytes32: Hashable, Sendable, Comparable {
    package var first: UInt64
    package var second: UInt64
    package var third: UInt64
    package var fourth: UInt64

    package init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        self.first = first
        self.second = second
        self.third = third
        self.fourth = fourth
    }

    /// Reads exactly thirty-two bytes, most significant first; nil for any other count.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self = bytes.withBytes { Bytes32(at: 0, in: $0) }
    }

    /// The thirty-two bytes at an offset, most significant first. They must be there.
    @inlinable
    package init(at offset: Int, in bytes: UnsafeRawBufferPointer) {
        self.init(
            bytes.word(offset), bytes.word(offset + 8), bytes.word(offset + 16), bytes.word(offset + 24))
    }

    /// The thirty-two bytes, most significant first.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(32)
        append(to: &result)
        return result
    }

    /// Appends the thirty-two bytes, most significant first.
    package func append(to result: inout [UInt8]) {
        result.append(bigEndian: first)
        result.append(bigEndian: second)
        result.append(bigEndian: third)
        result.append(bigEndian: fourth)
    }

    package static func < (left: Bytes32, right: Bytes32) -> Bool {
        (left.first, left.second, left.third, left.fourth)
            < (right.first, right.second, right.third, right.fourth)
    }
}

/// An identifier that wraps sixteen opaque bytes.
package protocol Identifier16: Hashable, Sendable, Comparable, CustomStringConvertible {
    var raw: Bytes16 { get }
    init(_ raw: Bytes16)
}

extension Identifier16 {
    package init?(bytes: some Collection<UInt8>) {
        guard let raw = Bytes16(bytes: bytes) else { return nil }
        self.init(raw)
    }

    package init(high: UInt64, low: UInt64) { self.init(Bytes16(high: high, low: low)) }
    package var bytes: [UInt8] { raw.bytes }
    package static func < (left: Self, right: Self) -> Bool { left.raw < right.raw }
    package var description: String { hexadecimal(bytes) }
}

/// An identifier that wraps thirty-two opaque bytes.
package protocol Identifier32: Hashable, Sendable, Comparable, CustomStringConvertible {
    var raw: Bytes32 { get }
    init(_ raw: Bytes32)
}

extension Identifier32 {
    package init?(bytes: some Collection<UInt8>) {
        guard let raw = Bytes32(bytes: bytes) else { return nil }
        self.init(raw)
    }

    package var bytes: [UInt8] { raw.bytes }
    package static func < (left: Self, right: Self) -> Bool { left.raw < right.raw }
    package var description: String { hexadecimal(bytes) }
}

/// The identity of a file, directory or symbolic link that survives renames.
///
/// Chosen by the agent that first saw the node: by chance, but for an order among those that it makes one
/// after the other.
package struct NodeID: Identifier16 {
    package var raw: Bytes16
    package init(_ raw: Bytes16) { self.raw = raw }

    /// The share's root directory, the same in every share; it is never created, placed or removed.
    package static let root = NodeID(high: 0, low: 0)

    /// The parent, in an agent's local tree only, of nodes whose name vanished and whose new place is
    /// not known yet. Never sent.
    package static let limbo = NodeID(high: 0, low: 1)
}

/// The identity of a share on its hub.
package struct ShareID: Identifier16 {
    package var raw: Bytes16
    package init(_ raw: Bytes16) { self.raw = raw }
}

/// One line of a hub's history; it changes when the hub is restored from a copy.
package struct Epoch: Identifier16 {
    package var raw: Bytes16
    package init(_ raw: Bytes16) { self.raw = raw }
}

/// The identity of one batch of operations, so that a batch sent twice is applied once.
package struct BatchID: Identifier16 {
    package var raw: Bytes16
    package init(_ raw: Bytes16) { self.raw = raw }
}

/// The name of a chunk: opaque bytes, in a plain share the SHA-256 of the chunk's bytes.
package struct ChunkID: Identifier32 {
    package var raw: Bytes32
    package init(_ raw: Bytes32) { self.raw = raw }
}

/// The name of a content: the SHA-256 over its chunk list (see `Manifest.encodedForHashing`).
package struct ContentID: Identifier32 {
    package var raw: Bytes32
    package init(_ raw: Bytes32) { self.raw = raw }
}

/// The identity of a device: the SHA-256 of its public key (DER SubjectPublicKeyInfo).
package struct DeviceID: Identifier32 {
    package var raw: Bytes32
    package init(_ raw: Bytes32) { self.raw = raw }
}

/// The value of a share's hash chain after a revision.
package struct ChainValue: Identifier32 {
    package var raw: Bytes32
    package init(_ raw: Bytes32) { self.raw = raw }

    /// The chain before the first revision.
    package static let start = ChainValue(Bytes32(0, 0, 0, 0))
}

/// The hub's sequence number for a share: every accepted change gets the next one, from 1.
package struct Revision: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var number: UInt64
    package init(_ number: UInt64) { self.number = number }

    /// Before the first change.
    package static let zero = Revision(0)
    /// In a batch's `place`: the revision that an earlier `create` or `place` of the same node in this
    /// batch got.
    package static let ofThisBatch = Revision(.max)
    package var next: Revision { Revision(number &+ 1) }
    package static func < (left: Revision, right: Revision) -> Bool { left.number < right.number }
    package var description: String { "\(number)" }
}
