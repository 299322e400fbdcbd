// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// What a frame's type byte says.
enum FrameKind: UInt8, Hashable, Sendable, CaseIterable {
    case hello = 1
    case helloAnswer = 2
    case refusal = 3
    case control = 4
    case bulk = 5
    case chunk = 6
    case ping = 7
    case pong = 8
    case goodbye = 9
}

/// One whole frame as it came; payloads other than chunks are not looked into yet.
enum Frame: Hashable, Sendable {
    case message(FrameKind, [UInt8])
    case chunk(request: UInt32, index: UInt32, EncodedChunk)
    case ping(UInt64)
    case pong(UInt64)

    /// What the frame counts for in queues, in bytes.
    var weight: Int {
        switch self {
        case .message(_, let payload): WireLimits.frameHeaderBytes + payload.count
        case .chunk(_, _, let chunk):
            WireLimits.frameHeaderBytes + WireLimits.chunkHeaderBytes + chunk.bytes.count
        case .ping, .pong: WireLimits.frameHeaderBytes + 8
        }
    }
}

/// How far a connection is, as far as it matters for what frames may come.
enum FramePhase: Hashable, Sendable {
    /// On the hub, before admission.
    case awaitingHello
    /// On the agent, before admission.
    case awaitingAnswer
    /// After admission, on both.
    case open(ConnectionRole)

    /// The longest frame that may come (type and payload).
    var limitBytes: Int {
        switch self {
        case .awaitingHello, .awaitingAnswer: WireLimits.admissionFrameBytes
        case .open(.control): WireLimits.controlFrameBytes
        case .open(.bulk): WireLimits.bulkFrameBytes
        }
    }

    /// Whether a frame of this kind may come.
    func allows(_ kind: FrameKind) -> Bool {
        switch (self, kind) {
        case (.awaitingHello, .hello), (.awaitingAnswer, .helloAnswer), (.awaitingAnswer, .refusal): true
        case (.open(.control), .control), (.open(.bulk), .bulk), (.open(.bulk), .chunk): true
        case (.open, .ping), (.open, .pong), (.open, .goodbye): true
        default: false
        }
    }
}
