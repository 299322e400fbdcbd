// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RelayCore
import Testing

@testable import RelayWire

/// Whatever comes, decoding gives a value or a protocol violation; a value that came once comes again when it
/// is encoded and decoded.
@Suite struct FuzzTests {
    private static let inputCount = 100_000

    private func decodesOrThrows(_ bytes: [UInt8], _ phase: FramePhase) throws {
        do {
            guard let frame = try firstFrame(bytes, phase) else { return }
            switch phase {
            case .awaitingHello:
                let hello = try Codec.hello(frame)
                #expect(try roundTrip(Codec.frame(hello), phase, Codec.hello) == hello)
            case .awaitingAnswer:
                if case .message(.refusal, let payload) = frame {
                    _ = try Refusal(wire: decodeMessage(WireRefusal.self, payload))
                } else {
                    let answer = try Codec.answer(frame)
                    #expect(try roundTrip(Codec.frame(answer), phase, Codec.answer) == answer)
                }
            case .open(.bulk):
                guard frame.isMessage else { return }
                let message = try Codec.bulkMessage(frame)
                #expect(try roundTrip(Codec.frame(message), phase, Codec.bulkMessage) == message)
            case .open(.control):
                guard frame.isMessage else { return }
                if let message = try? Codec.agentMessage(frame) {
                    #expect(try roundTrip(Codec.frame(message), phase, Codec.agentMessage) == message)
                }
                _ = try Codec.hubMessage(frame)
            }
        } catch WireError.protocolViolation, WireError.refused(.unsupportedVersion, _) {
            return
        }
    }

    private func roundTrip<Value>(
        _ bytes: [UInt8], _ phase: FramePhase, _ decode: (Frame) throws -> Value
    ) throws -> Value {
        try decode(try #require(try firstFrame(bytes, phase)))
    }

    @Test func `random bytes crash nothing`() async throws {
        var numbers = SeededNumbers(seed: 2)
        let phases: [FramePhase] = [.awaitingHello, .awaitingAnswer, .open(.control), .open(.bulk)]
        for number in 0..<Self.inputCount / 2 {
            if number % 500 == 0 { await Task.yield() }
            let phase = phases.randomElement(using: &numbers) ?? .awaitingHello
            let count = Int.random(in: 0...64, using: &numbers)
            var bytes: [UInt8] = (0..<count).map { _ in UInt8.random(in: 0...255, using: &numbers) }
            if Bool.random(using: &numbers) {
                // Past the frame's header, so that the message decoders see something.
                let kinds = FrameKind.allCases.filter { phase.allows($0) }
                let kind = kinds.randomElement(using: &numbers) ?? .hello
                bytes = try Codec.frame(kind, bytes)
            }
            try decodesOrThrows(bytes, phase)
        }
    }

    @Test func `damaged messages crash nothing`() async throws {
        var numbers = SeededNumbers(seed: 3)
        let seeds: [(FramePhase, [UInt8])] =
            try Specimens.bulkMessages.map { (.open(.bulk), try Codec.frame($0)) }
            + Specimens.agentMessages.map { (.open(.control), try Codec.frame($0)) }
            + Specimens.hubMessages.map { (.open(.control), try Codec.frame($0)) }
            + Specimens.hellos.map { (.awaitingHello, try Codec.frame($0)) }
            + [(.awaitingAnswer, try Codec.frame(Specimens.answer))]
        for number in 0..<Self.inputCount / 2 {
            if number % 500 == 0 { await Task.yield() }
            guard let (phase, whole) = seeds.randomElement(using: &numbers) else { return }
            var payload = Array(whole.dropFirst(5))
            for _ in 0..<Int.random(in: 1...4, using: &numbers) { damage(&payload, &numbers) }
            let kind = FrameKind(rawValue: whole[4]) ?? .control
            try decodesOrThrows(try Codec.frame(kind, payload), phase)
        }
    }

    /// Every prefix of every payload, with a length that fits it.
    @Test func `messages that end early crash nothing`() async throws {
        for message in Specimens.agentMessages {
            let payload = try encodeMessage(message.wire)
            for length in 0..<payload.count {
                try decodesOrThrows(Codec.frame(.control, Array(payload.prefix(length))), .open(.control))
            }
        }
        for message in Specimens.hubMessages {
            let frame = try Codec.frame(message)
            let kind = FrameKind(rawValue: frame[4]) ?? .control
            for length in 5..<frame.count {
                try decodesOrThrows(Codec.frame(kind, Array(frame[5..<length])), .open(.control))
            }
        }
        for message in Specimens.bulkMessages {
            let frame = try Codec.frame(message)
            let kind = FrameKind(rawValue: frame[4]) ?? .bulk
            for length in 5..<frame.count {
                try decodesOrThrows(Codec.frame(kind, Array(frame[5..<length])), .open(.bulk))
            }
        }
        for hello in Specimens.hellos {
            let payload = try encodeMessage(hello.wire)
            for length in 0..<payload.count {
                try decodesOrThrows(Codec.frame(.hello, Array(payload.prefix(length))), .awaitingHello)
            }
        }
    }

    private func damage(_ bytes: inout [UInt8], _ numbers: inout SeededNumbers) {
        let extremes: [UInt8] = [0, 1, 0x7f, 0x80, 0xfe, 0xff]
        guard let index = bytes.indices.randomElement(using: &numbers) else { return }
        switch Int.random(in: 0...4, using: &numbers) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &numbers)
        case 1: bytes[index] = extremes.randomElement(using: &numbers) ?? 0
        case 2: bytes.remove(at: index)
        case 3: bytes.insert(UInt8.random(in: 0...255, using: &numbers), at: index)
        default: bytes[index] = bytes[index] &+ (Bool.random(using: &numbers) ? 1 : 255)
        }
    }
}

extension Frame {
    fileprivate var isMessage: Bool {
        switch self {
        case .message(.goodbye, _), .ping, .pong: false
        case .message, .chunk: true
        }
    }
}
