// SPDX-License-Identifier: Apache-2.0

// Numbers in the blobs of databases: groups of seven bits, the least significant first.

extension [UInt8] {
    mutating func append(number: UInt64) {
        var value = number
        while value >= 0x80 {
            append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        append(UInt8(truncatingIfNeeded: value))
    }

    /// A count, then so many bytes.
    mutating func append(counted bytes: some Collection<UInt8>) {
        append(number: UInt64(bytes.count))
        append(contentsOf: bytes)
    }
}

extension ArraySlice<UInt8> {
    /// Nil where no number stands.
    mutating func popNumber() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = popFirst() else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    /// Nil if there are not so many.
    mutating func pop(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= self.count else { return nil }
        defer { self = dropFirst(count) }
        return prefix(count)
    }

    /// What `append(counted:)` made.
    mutating func popCounted() -> ArraySlice<UInt8>? {
        guard let count = popNumber(), count <= UInt64(self.count) else { return nil }
        return pop(Int(count))
    }
}
