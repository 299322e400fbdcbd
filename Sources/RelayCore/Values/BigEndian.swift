// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// Numbers in bytes, most significant byte first: so they are stored, sent and hashed.

extension UnsafeRawBufferPointer {
    /// The number at an offset, which need not be aligned. All its bytes must be there.
    @inlinable
    package func word<T: FixedWidthInteger>(_ offset: Int, as type: T.Type = UInt64.self) -> T {
        precondition(offset >= 0 && offset <= count - MemoryLayout<T>.size, "bytes beyond the end")
        return T(bigEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}

extension [UInt8] {
    /// Appends all bytes of the number.
    @inlinable
    package mutating func append(bigEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }
}

extension Collection<UInt8> {
    /// Shows the bytes in one piece: where they are, if they are in one already.
    @inlinable
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }
            ?? Array(self).withUnsafeBytes(body)
    }
}
