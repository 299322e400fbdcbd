// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@testable import RelayWire

/// The bytes of every message, which no later version may change.
@Suite struct GoldenTests {
    @Test(arguments: zip(Specimens.agentMessages, GoldenBytes.agentMessages))
    func `agents' messages keep their bytes`(_ message: AgentMessage, _ hex: String) throws {
        let bytes = try Codec.frame(message)
        #expect(hexadecimal(bytes) == hex)
        let frame = try #require(try firstFrame(bytes, .open(.control)))
        #expect(try Codec.agentMessage(frame) == message)
    }

    @Test(arguments: zip(Specimens.hubMessages, GoldenBytes.hubMessages))
    func `hubs' messages keep their bytes`(_ message: HubMessage, _ hex: String) throws {
        let bytes = try Codec.frame(message)
        #expect(hexadecimal(bytes) == hex)
        let frame = try #require(try firstFrame(bytes, .open(.control)))
        #expect(try Codec.hubMessage(frame) == message)
    }

    @Test(arguments: zip(Specimens.farewells, GoldenBytes.farewells))
    func `hubs' farewells keep their bytes`(_ message: HubMessage, _ hex: String) throws {
        let bytes = try Codec.frame(message)
        #expect(hexadecimal(bytes) == hex)
        let frame = try #require(try firstFrame(bytes, .open(.control)))
        #expect(try Codec.hubMessage(frame) == message)
    }

    @Test(arguments: zip(Specimens.bulkMessages, GoldenBytes.bulkMessages))
    func `bulk messages keep their bytes`(_ message: BulkMessage, _ hex: String) throws {
        let bytes = try Codec.frame(message)
        #expect(hexadecimal(bytes) == hex)
        let frame = try #require(try firstFrame(bytes, .open(.bulk)))
        #expect(try Codec.bulkMessage(frame) == message)
    }

    @Test(arguments: zip(Specimens.hellos, GoldenBytes.hellos))
    func `hellos keep their bytes`(_ hello: Hello, _ hex: String) throws {
        let bytes = try Codec.frame(hello)
        #expect(hexadecimal(bytes) == hex)
        let frame = try #require(try firstFrame(bytes, .awaitingHello))
        #expect(try Codec.hello(frame) == hello)
    }

    @Test func `the answer to a hello keeps its bytes`() throws {
        let bytes = try Codec.frame(Specimens.answer)
        #expect(hexadecimal(bytes) == GoldenBytes.answer)
        let frame = try #require(try firstFrame(bytes, .awaitingAnswer))
        #expect(try Codec.answer(frame) == Specimens.answer)
    }

    @Test func `signs of life keep their bytes`() throws {
        var writer = FrameWriter()
        writer.append(ping: 0x0102_0304_0506_0708)
        writer.append(pong: 1)
        #expect(hexadecimal(writer.bytes) == "00000009070102030405060708" + "00000009080000000000000001")
        var decoder = FrameDecoder(phase: .open(.control))
        #expect(try decoder.all(writer.bytes) == [.ping(0x0102_0304_0506_0708), .pong(1)])
    }

    @Test func `there are golden bytes for every specimen`() {
        #expect(GoldenBytes.agentMessages.count == Specimens.agentMessages.count)
        #expect(GoldenBytes.hubMessages.count == Specimens.hubMessages.count)
        #expect(GoldenBytes.farewells.count == Specimens.farewells.count)
        #expect(GoldenBytes.bulkMessages.count == Specimens.bulkMessages.count)
        #expect(GoldenBytes.hellos.count == Specimens.hellos.count)
    }

    @Test func `fields of later versions are ignored`() throws {
        // Field 100 with the number 1, after what is known.
        for message in Specimens.agentMessages {
            let bytes = try encodeMessage(message.wire) + [0xa0, 0x06, 0x01]
            let frame = try #require(try firstFrame(Codec.frame(.control, bytes), .open(.control)))
            #expect(try Codec.agentMessage(frame) == message)
        }
    }

    @Test func `reasons of later versions are failures like any other`() throws {
        let refusal = try Refusal(wire: decodeMessage(WireRefusal.self, [0x08, 0x63, 0x12, 0x01, 0x41]))
        #expect(refusal == Refusal(.failure, "A"))
    }
}
