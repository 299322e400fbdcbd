// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// The ids of the nodes that one engine makes.
///
/// Chosen by chance, but so that they follow each other: what databases keep by id is then written where the
/// last was written. 103 bits are random, the others count.
struct NodeIDSequence {
    private static let counted: UInt64 = (1 << 24) - 1
    /// The first half of the last id; with all counted bits set, another beginning is due.
    private var last = UInt64.max

    mutating func next(_ randomness: inout any RandomNumberGenerator) -> NodeID {
        if last & Self.counted == Self.counted { last = (randomness.next() | 1 << 63) & ~Self.counted }
        last += 1
        return NodeID(high: last, low: randomness.next())
    }
}
