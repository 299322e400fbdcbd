// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore

extension RelayCore.Manifest {
    /// Reads a chunk list of at most `limit` chunks.
    init(wire data: Data, limit: Int, _ field: StaticString) throws(WireError) {
        guard let manifest = RelayCore.Manifest(encoded: data) else {
            throw .protocolViolation("\(field) has \(data.count) bytes, which is no chunk list")
        }
        try checkCount(manifest.chunks.count, limit, field)
        for chunk in manifest.chunks { try ChunkRules.check(listed: chunk.sizeBytes) }
        self = manifest
    }

    var wire: Data { Data(encoded) }
}

extension EncodedChunk {
    init(wire: WireInlineChunk) throws(WireError) {
        let encoding = try required(wire.hasEncoding ? wire.encoding : nil, "inline.encoding")
        let size = try required(wire.hasSizeBytes ? wire.sizeBytes : nil, "inline.size_bytes")
        let bytes = try required(wire.hasBytes ? wire.bytes : nil, "inline.bytes")
        try ChunkRules.check(
            encoding: encoding, sizeBytes: size, stored: bytes.count, limitBytes: ContentLimits.inlineBytes)
        guard let raw = UInt8(exactly: encoding), let known = ChunkEncoding(rawValue: raw) else {
            throw .protocolViolation("inline.encoding is \(encoding)")
        }
        self.init(encoding: known, sizeBytes: size, bytes: Array(bytes))
    }

    init(wire: WireChunkDelta) throws(WireError) {
        let encoding = try required(wire.hasEncoding ? wire.encoding : nil, "chunk_delta.encoding")
        let size = try required(wire.hasSizeBytes ? wire.sizeBytes : nil, "chunk_delta.size_bytes")
        let bytes = try required(wire.hasBytes ? wire.bytes : nil, "chunk_delta.bytes")
        try ChunkRules.check(encoding: encoding, sizeBytes: size, stored: bytes.count)
        guard let raw = UInt8(exactly: encoding), let known = ChunkEncoding(rawValue: raw) else {
            throw .protocolViolation("chunk_delta.encoding is \(encoding)")
        }
        self.init(encoding: known, sizeBytes: size, bytes: Array(bytes))
    }

    var wire: WireInlineChunk {
        var wire = WireInlineChunk()
        wire.encoding = UInt32(encoding.rawValue)
        wire.sizeBytes = sizeBytes
        wire.bytes = Data(bytes)
        return wire
    }
}

extension ContentOffer {
    init(wire: WireContentOffer) throws(WireError) {
        self.init(
            content: try ContentID(wire: wire.hasContent ? wire.content : nil, "offer.content"),
            manifest: wire.hasChunks
                ? try RelayCore.Manifest(
                    wire: wire.chunks, limit: ContentLimits.inlineChunks, "offer.chunks")
                : nil,
            inline: wire.hasInline ? try EncodedChunk(wire: wire.inline) : nil)
    }

    var wire: WireContentOffer {
        var wire = WireContentOffer()
        wire.content = content.wire
        if let manifest { wire.chunks = manifest.wire }
        if let inline { wire.inline = inline.wire }
        return wire
    }
}
