// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RelayCore
import Testing

@testable import RelayWire

@Suite struct FrameDecoderTests {
    /// A header that announces `length` bytes of type and payload.
    private func header(_ length: UInt32, _ kind: FrameKind) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + [kind.rawValue]
    }

    private func rejects(_ bytes: [UInt8], _ phase: FramePhase) -> Bool {
        do {
            _ = try firstFrame(bytes, phase)
            return false
        } catch {
            if case .protocolViolation? = error as? WireError { return true }
            return false
        }
    }

    @Test func `frames survive any way of being split`() throws {
        var numbers = SeededNumbers(seed: 1)
        let big = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let messages =
            Specimens.bulkMessages + [
                .chunk(request: 9, index: 9, EncodedChunk(encoding: .raw, sizeBytes: 100_000, bytes: big))
            ]
        let stream = try messages.flatMap { try Codec.frame($0) }
        for _ in 0..<200 {
            var decoder = FrameDecoder(phase: .open(.bulk))
            var rest = stream[...]
            var decoded: [BulkMessage] = []
            let most = Int.random(in: 1...5000, using: &numbers)
            while !rest.isEmpty {
                let part = rest.prefix(Int.random(in: 1...most, using: &numbers))
                rest = rest.dropFirst(part.count)
                decoded += try decoder.all(part).map { try Codec.bulkMessage($0) }
            }
            #expect(decoded == messages)
            #expect(decoder.isBetweenFrames)
        }
    }

    @Test(arguments: [
        (FramePhase.awaitingHello, FrameKind.hello, 4 << 10),
        (.awaitingAnswer, .helloAnswer, 4 << 10), (.awaitingAnswer, .refusal, 4 << 10),
        (.open(.control), .control, 1 << 20), (.open(.control), .goodbye, 1 << 20),
        (.open(.bulk), .bulk, (1 << 20) + 14),
    ])
    func `a frame at the limit is taken, one byte more is not`(
        _ phase: FramePhase, _ kind: FrameKind, _ limit: Int
    ) throws {
        let whole = header(UInt32(limit), kind) + [UInt8](repeating: 0, count: limit - 1)
        #expect(try firstFrame(whole, phase) == .message(kind, [UInt8](repeating: 0, count: limit - 1)))
        #expect(rejects(header(UInt32(limit) + 1, kind), phase))
        #expect(rejects(header(.max, kind), phase))
        #expect(rejects(header(0, kind), phase))
    }

    @Test func `the largest chunk is taken, one byte more is not`() throws {
        let bytes = [UInt8](repeating: 7, count: 1 << 20)
        let chunk = EncodedChunk(encoding: .raw, sizeBytes: 1 << 20, bytes: bytes)
        let frame = try Codec.frame(.chunk(request: 1, index: 2, chunk))
        #expect(try firstFrame(frame, .open(.bulk)) == .chunk(request: 1, index: 2, chunk))

        let larger = EncodedChunk(encoding: .raw, sizeBytes: (1 << 20) + 1, bytes: bytes + [7])
        #expect(throws: WireError.self) { try Codec.frame(.chunk(request: 1, index: 2, larger)) }
        #expect(rejects(header((1 << 20) + 15, .chunk), .open(.bulk)))
    }

    @Test func `a chunk's header must fit its bytes`() {
        let fields: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 2]
        // No bytes at all; raw with another size; unknown encoding; size 0; size above the limit.
        #expect(rejects(header(14, .chunk) + fields + [0, 0, 0, 0, 1], .open(.bulk)))
        #expect(rejects(header(15, .chunk) + fields + [0, 0, 0, 0, 2, 1], .open(.bulk)))
        #expect(rejects(header(15, .chunk) + fields + [9, 0, 0, 0, 1, 1], .open(.bulk)))
        #expect(rejects(header(15, .chunk) + fields + [1, 0, 0, 0, 0, 1], .open(.bulk)))
        #expect(rejects(header(15, .chunk) + fields + [1, 0, 16, 0, 1, 1], .open(.bulk)))
        #expect(rejects(header(5, .chunk), .open(.bulk)))
    }

    @Test func `frames that are out of place are refused by their header alone`() {
        let phases: [FramePhase] = [
            .awaitingHello, .awaitingAnswer, .open(.control), .open(.bulk),
        ]
        for phase in phases {
            for kind in FrameKind.allCases where !phase.allows(kind) {
                #expect(rejects(header(20, kind), phase), "\(kind) in \(phase)")
            }
            #expect(rejects([0, 0, 0, 2, 0], phase))
            #expect(rejects([0, 0, 0, 2, 10], phase))
        }
        #expect(rejects(header(8, .ping), .open(.control)))
        #expect(rejects(header(10, .pong), .open(.control)))
    }

    @Test func `every truncation of every frame is seen as one`() throws {
        let bulk = try Specimens.bulkMessages.map { (FramePhase.open(.bulk), try Codec.frame($0)) }
        let agent = try Specimens.agentMessages.map { (FramePhase.open(.control), try Codec.frame($0)) }
        let hub = try Specimens.hubMessages.map { (FramePhase.open(.control), try Codec.frame($0)) }
        let hello = try Specimens.hellos.map { (FramePhase.awaitingHello, try Codec.frame($0)) }
        for (phase, bytes) in bulk + agent + hub + hello {
            for length in 1..<bytes.count {
                var decoder = FrameDecoder(phase: phase)
                var buffer = ByteBuffer(bytes: bytes.prefix(length))
                #expect(try decoder.next(from: &buffer) == nil)
                #expect(!decoder.isBetweenFrames)
            }
        }
    }

    @Test func `bytes of chunks are counted as they come, and no others`() throws {
        let chunk = EncodedChunk(encoding: .raw, sizeBytes: 1000, bytes: [UInt8](repeating: 1, count: 1000))
        let frame = try Codec.frame(.chunk(request: 1, index: 1, chunk))
        var decoder = FrameDecoder(phase: .open(.bulk))
        var part = ByteBuffer(bytes: frame.dropLast(400))
        #expect(try decoder.next(from: &part) == nil)
        #expect(decoder.chunkBytes == 600)
        var rest = ByteBuffer(bytes: frame.suffix(400) + (try Codec.frame(.cancel(request: 7))))
        #expect(try decoder.next(from: &rest) != nil)
        #expect(try decoder.next(from: &rest) != nil)
        #expect(decoder.chunkBytes == 1000)
    }
}
