// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RelayCore

/// Turns frames into buffers ready to be written.
///
/// Small frames share a buffer, so that a batch of messages becomes few TLS records; no buffer grows far
/// beyond `bufferBytes`.
struct FrameWriter {
    /// When a buffer has this many bytes, the next frame begins another.
    static let bufferBytes = 256 << 10

    private var sealed: [ByteBuffer] = []
    private var current = ByteBuffer()
    private(set) var byteCount = 0

    /// The frames so far, in order.
    var buffers: [ByteBuffer] { current.readableBytes > 0 ? sealed + [current] : sealed }

    /// Adds a frame of any kind but chunk, ping and pong. Throws when it is longer than the limit.
    mutating func append(_ kind: FrameKind, _ payload: [UInt8], limitBytes: Int) throws(WireError) {
        guard payload.count < limitBytes else {
            throw .protocolViolation(
                "\(kind) message of \(payload.count) bytes, the limit is \(limitBytes - 1)")
        }
        begin(kind, payloadBytes: payload.count)
        current.writeBytes(payload)
    }

    /// Adds a chunk frame. Throws when the chunk is not one that may be sent.
    mutating func append(request: UInt32, index: UInt32, _ chunk: EncodedChunk) throws(WireError) {
        try ChunkRules.check(
            encoding: UInt32(chunk.encoding.rawValue), sizeBytes: chunk.sizeBytes, stored: chunk.bytes.count)
        begin(.chunk, payloadBytes: WireLimits.chunkHeaderBytes + chunk.bytes.count)
        current.writeInteger(request)
        current.writeInteger(index)
        current.writeInteger(chunk.encoding.rawValue)
        current.writeInteger(chunk.sizeBytes)
        current.writeBytes(chunk.bytes)
    }

    mutating func append(ping value: UInt64) { append(.ping, value) }
    mutating func append(pong value: UInt64) { append(.pong, value) }

    private mutating func append(_ kind: FrameKind, _ value: UInt64) {
        begin(kind, payloadBytes: 8)
        current.writeInteger(value)
    }

    private mutating func begin(_ kind: FrameKind, payloadBytes: Int) {
        let frameBytes = WireLimits.frameHeaderBytes + payloadBytes
        if current.readableBytes > 0, current.readableBytes + frameBytes > Self.bufferBytes {
            sealed.append(current)
            current = ByteBuffer()
        }
        if current.readableBytes == 0 { current.reserveCapacity(frameBytes) }
        current.writeInteger(UInt32(1 + payloadBytes))
        current.writeInteger(kind.rawValue)
        byteCount += frameBytes
    }
}
