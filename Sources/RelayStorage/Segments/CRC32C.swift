// SPDX-License-Identifier: Apache-2.0

internal import CProcessor

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), eight bytes at a time with the tables of "slicing
/// by eight" (Kounavis and Berry, 2005). It finds damage, not malice.
struct CRC32C {
    private var register: UInt32 = .max

    /// The checksum of what was added so far.
    var value: UInt32 { ~register }

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var sum = CRC32C()
        sum.add(bytes)
        return sum.value
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        if Self.isKnownToProcessor {
            register = relay_crc32c(register, bytes.baseAddress, UInt(bytes.count))
        } else {
            addByTables(bytes)
        }
    }

    /// Whether the processor has an instruction for it.
    private static let isKnownToProcessor = relay_has_crc32c() != 0

    /// As `add`, on any processor.
    mutating func addByTables(_ bytes: UnsafeRawBufferPointer) {
        var crc = register
        Self.tables.withUnsafeBufferPointer { tables in
            var offset = 0
            while offset + 8 <= bytes.count {
                let low =
                    crc ^ UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                let high = UInt32(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
                crc =
                    tables[0x700 + Int(low & 0xff)] ^ tables[0x600 + Int(low >> 8 & 0xff)]
                    ^ tables[0x500 + Int(low >> 16 & 0xff)] ^ tables[0x400 + Int(low >> 24)]
                    ^ tables[0x300 + Int(high & 0xff)] ^ tables[0x200 + Int(high >> 8 & 0xff)]
                    ^ tables[0x100 + Int(high >> 16 & 0xff)] ^ tables[Int(high >> 24)]
                offset += 8
            }
            while offset < bytes.count {
                crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[offset])) & 0xff)]
                offset += 1
            }
        }
        register = crc
    }

    /// Eight tables of 256 words, one after the other.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var word = UInt32(byte)
            for _ in 0..<8 { word = word & 1 == 1 ? word >> 1 ^ 0x82f6_3b78 : word >> 1 }
            tables[byte] = word
        }
        for index in 256..<8 * 256 {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xff)]
        }
        return tables
    }()
}
