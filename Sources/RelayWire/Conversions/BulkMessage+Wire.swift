// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore

extension BulkMessage {
    init(wire: WireBulkMessage) throws(WireError) {
        switch wire.message {
        case nil: throw .protocolViolation("bulk message of unknown kind")
        case .wantManifest(let want):
            self = .wantManifest(
                request: try required(want.hasRequest ? want.request : nil, "want_manifest.request"),
                content: try ContentID(wire: want.hasContent ? want.content : nil, "want_manifest.content"),
                known: want.hasKnown ? try ContentID(wire: want.known, "want_manifest.known") : nil)
        case .manifest(let part): try self.init(part)
        case .wantChunks(let want):
            try checkCount(want.wants.count, ChunkWant.limit, "want_chunks.wants")
            try checkCount(
                want.wants.count { $0.hasSignature }, ChunkWant.limitSignatures, "want_chunks.signature")
            self = .wantChunks(
                request: try required(want.hasRequest ? want.request : nil, "want_chunks.request"),
                content: try ContentID(wire: want.hasContent ? want.content : nil, "want_chunks.content"),
                wants: try want.wants.map { value throws(WireError) in try ChunkWant(wire: value) })
        case .unavailable(let answer):
            self = .unavailable(
                request: try required(answer.hasRequest ? answer.request : nil, "unavailable.request"),
                index: answer.hasIndex ? answer.index : nil,
                UnavailableReason(
                    wire: try required(answer.hasReason ? answer.reason : nil, "unavailable.reason")))
        case .waiting(let waiting):
            try checkCount(waiting.devices.count, BulkMessage.limitDevices, "waiting.devices")
            self = .waiting(
                request: try required(waiting.hasRequest ? waiting.request : nil, "waiting.request"),
                devices: try waiting.devices.map { name throws(WireError) in
                    try PeerText.read(name, "waiting.devices", limitBytes: WireLimits.nameBytes)
                })
        case .chunkDelta(let answer):
            self = .chunkDelta(
                request: try required(answer.hasRequest ? answer.request : nil, "chunk_delta.request"),
                index: try required(answer.hasIndex ? answer.index : nil, "chunk_delta.index"),
                try EncodedChunk(wire: answer))
        case .cancel(let cancel):
            self = .cancel(
                request: try required(cancel.hasRequest ? cancel.request : nil, "cancel.request"))
        }
    }

    private init(_ part: WireManifest) throws(WireError) {
        let first = try required(part.hasFirst ? part.first : nil, "manifest.first")
        let total = try required(part.hasTotal ? part.total : nil, "manifest.total")
        if part.hasCopyCount {
            try self.init(copy: part, first: first, total: total)
            return
        }
        let list = try RelayCore.Manifest(
            wire: try required(part.hasChunks ? part.chunks : nil, "manifest.chunks"),
            limit: BulkMessage.limitManifestChunks, "manifest.chunks")
        guard total <= ContentLimits.manifestChunks,
            UInt64(first) + UInt64(list.chunks.count) <= UInt64(total)
        else {
            throw .protocolViolation(
                "manifest part from \(first) with \(list.chunks.count) chunks of \(total) in all")
        }
        self = .manifest(
            request: try required(part.hasRequest ? part.request : nil, "manifest.request"),
            first: first, total: total, chunks: list.chunks)
    }

    private init(copy part: WireManifest, first: UInt32, total: UInt32) throws(WireError) {
        let (start, count) = (part.copyStart, part.copyCount)
        guard total <= ContentLimits.manifestChunks, count > 0, !part.hasChunks,
            UInt64(first) + UInt64(count) <= UInt64(total),
            UInt64(start) + UInt64(count) <= UInt64(ContentLimits.manifestChunks)
        else {
            throw .protocolViolation(
                "manifest part from \(first) with \(count) known chunks from \(start) of \(total) in all")
        }
        self = .manifestCopy(
            request: try required(part.hasRequest ? part.request : nil, "manifest.request"), first: first,
            total: total, start: start, count: count)
    }

    /// Nil for `chunk`, which travels in a frame of its own.
    var wire: WireBulkMessage? {
        var wire = WireBulkMessage()
        switch self {
        case .chunk: return nil
        case .wantManifest(let request, let content, let known):
            wire.wantManifest.request = request
            wire.wantManifest.content = content.wire
            if let known { wire.wantManifest.known = known.wire }
        case .manifestCopy(let request, let first, let total, let start, let count):
            wire.manifest.request = request
            wire.manifest.first = first
            wire.manifest.total = total
            wire.manifest.copyStart = start
            wire.manifest.copyCount = count
        case .manifest(let request, let first, let total, let chunks):
            wire.manifest.request = request
            wire.manifest.first = first
            wire.manifest.total = total
            wire.manifest.chunks = RelayCore.Manifest(chunks).wire
        case .wantChunks(let request, let content, let wants):
            wire.wantChunks.request = request
            wire.wantChunks.content = content.wire
            wire.wantChunks.wants = wants.map(\.wire)
        case .chunkDelta(let request, let index, let delta):
            wire.chunkDelta.request = request
            wire.chunkDelta.index = index
            wire.chunkDelta.encoding = UInt32(delta.encoding.rawValue)
            wire.chunkDelta.sizeBytes = delta.sizeBytes
            wire.chunkDelta.bytes = Data(delta.bytes)
        case .unavailable(let request, let index, let reason):
            wire.unavailable.request = request
            if let index { wire.unavailable.index = index }
            wire.unavailable.reason = reason.wire
        case .waiting(let request, let devices):
            wire.waiting.request = request
            wire.waiting.devices = devices.prefix(BulkMessage.limitDevices).map {
                PeerText.write($0, limitBytes: WireLimits.nameBytes)
            }
        case .cancel(let request):
            wire.cancel.request = request
        }
        return wire
    }
}

extension ChunkWant {
    init(wire: WireChunkWant) throws(WireError) {
        let size = try required(wire.hasSizeBytes ? wire.sizeBytes : nil, "want.size_bytes")
        try ChunkRules.check(listed: size)
        let index = try required(wire.hasIndex ? wire.index : nil, "want.index")
        guard index < ContentLimits.manifestChunks else { throw .protocolViolation("want.index is \(index)") }
        let offset = try required(wire.hasOffset ? wire.offset : nil, "want.offset")
        guard offset <= WireLimits.contentBytes - UInt64(size) else {
            throw .protocolViolation("want.offset is \(offset)")
        }
        self.init(
            index: index,
            chunk: ChunkReference(
                id: try ChunkID(wire: wire.hasChunk ? wire.chunk : nil, "want.chunk"), sizeBytes: size),
            offset: offset, signature: try Self.signature(of: wire))
    }

    private static func signature(of wire: WireChunkWant) throws(WireError) -> [UInt8] {
        guard wire.signature.count <= ChunkWant.limitSignatureBytes else {
            throw .protocolViolation("want.signature has \(wire.signature.count) bytes")
        }
        return Array(wire.signature)
    }

    var wire: WireChunkWant {
        var wire = WireChunkWant()
        wire.index = index
        wire.chunk = chunk.id.wire
        wire.sizeBytes = chunk.sizeBytes
        wire.offset = offset
        if !signature.isEmpty { wire.signature = Data(signature) }
        return wire
    }
}

extension UnavailableReason {
    /// Reasons of later versions are failures like any other.
    init(wire: WireUnavailableReason) {
        switch wire {
        case .unknown: self = .unknown
        case .notHeld: self = .notHeld
        case .busy: self = .busy
        case .failed, .unspecified, .UNRECOGNIZED: self = .failed
        }
    }

    var wire: WireUnavailableReason {
        switch self {
        case .unknown: .unknown
        case .notHeld: .notHeld
        case .busy: .busy
        case .failed: .failed
        }
    }
}
