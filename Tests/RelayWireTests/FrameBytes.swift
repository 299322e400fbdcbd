// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RelayCore

@testable import RelayWire

extension FrameWriter {
    /// All frames as one run of bytes.
    var bytes: [UInt8] { buffers.flatMap { Array($0.readableBytesView) } }
}

extension FrameDecoder {
    /// Decodes as much as there is.
    mutating func all(_ bytes: some Sequence<UInt8>) throws -> [Frame] {
        var buffer = ByteBuffer(bytes: bytes)
        var frames: [Frame] = []
        while let frame = try next(from: &buffer) { frames.append(frame) }
        return frames
    }
}

/// The first frame in the bytes; nil when there is no whole one.
func firstFrame(_ bytes: [UInt8], _ phase: FramePhase) throws -> Frame? {
    var decoder = FrameDecoder(phase: phase)
    var buffer = ByteBuffer(bytes: bytes)
    return try decoder.next(from: &buffer)
}

/// SplitMix64: the same numbers for the same seed, on every machine.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
