// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RelayCore

/// Cuts a stream of bytes into frames.
///
/// Holds at most one unfinished frame. Lengths are checked against the phase before memory is allocated, and
/// payload bytes are copied once, from the network's buffer to their final array.
struct FrameDecoder {
    private enum State {
        /// Collecting a header; how many bytes of `header` are needed to go on.
        case header(needed: Int)
        /// Collecting `missing` more bytes of `payload`.
        case payload(FrameKind, missing: Int)
    }

    /// What may come. Changes between frames only.
    var phase: FramePhase

    /// How many bytes of chunks came so far, those of an unfinished frame included.
    private(set) var chunkBytes: UInt64 = 0

    private var state = State.header(needed: WireLimits.frameHeaderBytes)
    private var header: [UInt8] = []
    private var payload: [UInt8] = []

    init(phase: FramePhase) { self.phase = phase }

    /// Whether the stream may end here.
    var isBetweenFrames: Bool {
        if case .header = state { header.isEmpty } else { false }
    }

    /// Takes bytes from the buffer up to the end of the next frame; nil when the buffer ran out before.
    mutating func next(from buffer: inout ByteBuffer) throws(WireError) -> Frame? {
        while true {
            switch state {
            case .header(let needed):
                Self.move(needed - header.count, from: &buffer, to: &header)
                guard header.count == needed else { return nil }
                state = try stateAfterHeader()
            case .payload(let kind, let missing):
                let moved = Self.move(missing, from: &buffer, to: &payload)
                if kind == .chunk { chunkBytes += UInt64(moved) }
                guard moved == missing else {
                    state = .payload(kind, missing: missing - moved)
                    return nil
                }
                return try finish(kind)
            }
        }
    }

    @discardableResult
    private static func move(_ limit: Int, from buffer: inout ByteBuffer, to target: inout [UInt8]) -> Int {
        let count = min(limit, buffer.readableBytes)
        guard count > 0 else { return 0 }
        buffer.withUnsafeReadableBytes { target.append(contentsOf: $0.prefix(count)) }
        buffer.moveReaderIndex(forwardBy: count)
        return count
    }

    private mutating func stateAfterHeader() throws(WireError) -> State {
        let length = Int(bigEndian32(at: 0))
        guard length >= 1, length <= phase.limitBytes else {
            throw .protocolViolation("frame of \(length) bytes, where 1 to \(phase.limitBytes) are allowed")
        }
        guard let kind = FrameKind(rawValue: header[4]) else {
            throw .protocolViolation("frame of unknown type \(header[4])")
        }
        guard phase.allows(kind) else { throw .protocolViolation("\(kind) frame out of place") }

        let payloadBytes = length - 1
        switch kind {
        case .chunk:
            let whole = WireLimits.frameHeaderBytes + WireLimits.chunkHeaderBytes
            guard payloadBytes > WireLimits.chunkHeaderBytes else {
                throw .protocolViolation("chunk frame of \(payloadBytes) bytes")
            }
            if header.count < whole { return .header(needed: whole) }
            let chunkBytes = payloadBytes - WireLimits.chunkHeaderBytes
            try checkChunkHeader(chunkBytes: chunkBytes)
            payload.reserveCapacity(chunkBytes)
            return .payload(kind, missing: chunkBytes)
        case .ping, .pong:
            guard payloadBytes == 8 else {
                throw .protocolViolation("\(kind) frame of \(payloadBytes) bytes instead of 8")
            }
        case .hello, .helloAnswer, .refusal, .control, .bulk, .goodbye: break
        }
        payload.reserveCapacity(payloadBytes)
        return .payload(kind, missing: payloadBytes)
    }

    private func checkChunkHeader(chunkBytes: Int) throws(WireError) {
        try ChunkRules.check(encoding: UInt32(header[13]), sizeBytes: bigEndian32(at: 14), stored: chunkBytes)
    }

    private mutating func finish(_ kind: FrameKind) throws(WireError) -> Frame {
        defer {
            state = .header(needed: WireLimits.frameHeaderBytes)
            header.removeAll(keepingCapacity: true)
        }
        let bytes = payload
        payload = []
        switch kind {
        case .chunk:
            guard let encoding = ChunkEncoding(rawValue: header[13]) else {
                throw .protocolViolation("chunk of unknown encoding \(header[13])")
            }
            let chunk = EncodedChunk(encoding: encoding, sizeBytes: bigEndian32(at: 14), bytes: bytes)
            return .chunk(request: bigEndian32(at: 5), index: bigEndian32(at: 9), chunk)
        case .ping: return .ping(Self.word(bytes))
        case .pong: return .pong(Self.word(bytes))
        case .hello, .helloAnswer, .refusal, .control, .bulk, .goodbye: return .message(kind, bytes)
        }
    }

    /// Four bytes of the header, most significant first.
    private func bigEndian32(at index: Int) -> UInt32 {
        header.withBytes { $0.word(index, as: UInt32.self) }
    }

    private static func word(_ bytes: [UInt8]) -> UInt64 { bytes.withBytes { $0.word(0) } }
}
