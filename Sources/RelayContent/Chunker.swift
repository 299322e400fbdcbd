// SPDX-License-Identifier: Apache-2.0

/// Cuts bytes into chunks where their own bytes say so, so that an insertion moves few boundaries.
///
/// The method is FastCDC (Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for
/// Data Deduplication", USENIX ATC 2016): a gear hash, no cut before the least size, and normalised sizes,
/// that is a strict condition before the usual size and a loose one behind it. Unlike there, the condition
/// reads the hash's highest bits, which the last 64 bytes have a say in, and the hash starts 64 bytes before
/// the first possible cut, so that a cut depends on the 64 bytes before it and on nothing else.
package struct Chunker {
    /// Only the last chunk of a content can be smaller.
    package static let minimumBytes = 16 << 10
    /// The average of chunks of random bytes, to a few per cent.
    package static let averageBytes = 64 << 10
    /// No chunk is larger.
    package static let maximumBytes = 256 << 10

    /// The size from which the loose condition holds; a little below the average, which lies between it
    /// and the loose condition's usual 16 KiB more.
    static let usualBytes = 56 << 10
    /// The bytes that have a say in the hash.
    static let windowBytes = 64
    /// A hash below it, one of 2^18, cuts before the usual size.
    static let strictBound: UInt64 = 1 << (64 - 18)
    /// A hash below it, one of 2^14, cuts from the usual size on.
    static let looseBound: UInt64 = 1 << (64 - 14)

    /// The length of the first chunk of `bytes`; nil when more bytes are needed to tell. With `isEnd`
    /// nothing follows the bytes, and the answer is never nil; it is 0 only when there are no bytes.
    ///
    /// `maximumBytes` bytes are always enough.
    package static func firstChunkLength(in bytes: UnsafeRawBufferPointer, isEnd: Bool) -> Int? {
        guard let base = bytes.baseAddress, bytes.count > minimumBytes else {
            return isEnd ? bytes.count : nil
        }
        let end = min(bytes.count, maximumBytes)
        let cut = GearTable.words.withUnsafeBufferPointer { words -> Int? in
            guard let gear = words.baseAddress else { return nil }
            return firstCut(in: base.assumingMemoryBound(to: UInt8.self), end: end, gear: gear)
        }
        if let cut { return cut }
        return isEnd || end == maximumBytes ? end : nil
    }

    /// The first place from `minimumBytes` to before `end` where the hash of the window before it says
    /// to cut. The loops read within `end` bytes and make no checks of their own.
    private static func firstCut(
        in bytes: UnsafePointer<UInt8>, end: Int, gear: UnsafePointer<UInt64>
    ) -> Int? {
        var hash: UInt64 = 0
        var index = minimumBytes &- windowBytes
        while index < minimumBytes {
            hash = (hash &<< 1) &+ gear[Int(bytes[index])]
            index &+= 1
        }
        let strictEnd = min(end, usualBytes)
        while index < strictEnd {
            if hash < strictBound { return index }
            hash = (hash &<< 1) &+ gear[Int(bytes[index])]
            index &+= 1
        }
        while index < end {
            if hash < looseBound { return index }
            hash = (hash &<< 1) &+ gear[Int(bytes[index])]
            index &+= 1
        }
        return nil
    }
}
