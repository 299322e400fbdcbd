// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// What every encoded chunk on the wire keeps to, in chunk frames and inside messages.
enum ChunkRules {
    /// Throws unless the encoding is known and both sizes are within the limits and fit together.
    static func check(
        encoding: UInt32, sizeBytes: UInt32, stored: Int, limitBytes: Int = ContentLimits.chunkBytes
    ) throws(WireError) {
        guard let raw = UInt8(exactly: encoding), let encoding = ChunkEncoding(rawValue: raw) else {
            throw .protocolViolation("chunk of unknown encoding \(encoding)")
        }
        guard sizeBytes >= 1, sizeBytes <= limitBytes else {
            throw .protocolViolation("chunk of \(sizeBytes) bytes, where 1 to \(limitBytes) are allowed")
        }
        guard stored >= 1, stored <= limitBytes else {
            throw .protocolViolation("chunk of \(stored) encoded bytes, where 1 to \(limitBytes) are allowed")
        }
        guard encoding != .raw || stored == sizeBytes else {
            throw .protocolViolation("chunk of \(sizeBytes) bytes carries \(stored)")
        }
    }

    /// Throws unless a chunk of this size may be in a chunk list.
    static func check(listed sizeBytes: UInt32) throws(WireError) {
        guard sizeBytes >= 1, sizeBytes <= ContentLimits.chunkBytes else {
            throw .protocolViolation("chunk list names a chunk of \(sizeBytes) bytes")
        }
    }
}
