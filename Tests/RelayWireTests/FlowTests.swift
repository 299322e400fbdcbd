// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RelayCore
import Testing

@testable import RelayWire

extension NetworkTests {
    /// Back-pressure, signs of life, and volume.
    @Suite struct FlowTests {
        private static func chunk(_ index: UInt32) -> BulkMessage {
            var numbers = SeededNumbers(seed: UInt64(index))
            let word = numbers.next()
            let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
                for position in 0..<65536 {
                    buffer[position] =
                        UInt8(truncatingIfNeeded: word >> UInt64((position & 7) * 8)) &+ UInt8(position >> 8)
                }
                count = 65536
            }
            return .chunk(
                request: 1, index: index, EncodedChunk(encoding: .raw, sizeBytes: 65536, bytes: bytes))
        }

        @Test func `64 MiB of chunks arrive whole and in order`() async throws {
            var hub = TestHub()
            let received = Signal<Bool>()
            hub.bulk = { _, _, connection in
                for index in 0..<UInt32(1024) {
                    guard let message = try? await connection.next(), message == Self.chunk(index) else {
                        return received.send(false)
                    }
                }
                received.send(true)
            }
            try await hub.run { port in
                let connection = try await Dialing.bulk(port)
                for start in stride(from: UInt32(0), to: 1024, by: 16) {
                    try await connection.send((start..<start + 16).map(Self.chunk))
                }
                #expect(try await received.wait())
            }
        }

        @Test func `a fast sender waits for a slow receiver`() async throws {
            var hub = TestHub()
            hub.settings.unreadBytes = 256 << 10
            let connected = Signal<Bulk>()
            let mayEnd = Signal<Bool>()
            hub.bulk = { _, _, connection in
                connected.send(connection)
                _ = try? await mayEnd.wait()
            }
            var settings = ConnectionSettings()
            settings.unsentBytes = 256 << 10
            let dialing = settings
            try await hub.run { port in
                let connection = try await Dialing.bulk(port, settings: dialing)
                let slow = try await connected.wait()
                let sent = Counter()
                let sending = Task {
                    for index in 0..<UInt32(2000) {
                        try await connection.send(Self.chunk(index))
                        sent.increment()
                    }
                }
                // Everything between them fills up: the sender stands still.
                var last = -1
                while sent.value == 0 || sent.value != last {
                    last = sent.value
                    try await Task.sleep(for: .milliseconds(200))
                }
                #expect(sent.value < 500)
                // The limit, what one read brings beyond it, and no more.
                #expect(slow.unreadCount <= 24)
                for index in 0..<UInt32(2000) { #expect(try await slow.next() == Self.chunk(index)) }
                try await sending.value
                #expect(sent.value == 2000)
                mayEnd.send(true)
            }
        }

        @Test func `a sender that waits can be cancelled`() async throws {
            var hub = TestHub()
            let mayEnd = Signal<Bool>()
            hub.bulk = { _, _, _ in _ = try? await mayEnd.wait() }
            try await hub.run { port in
                let connection = try await Dialing.bulk(port)
                let sending = Task {
                    await wireError { while true { try await connection.send(Self.chunk(0)) } }
                }
                sending.cancel()
                #expect(await sending.value == .closed)
                // Bounded, though the hub takes nothing.
                await connection.close()
                mayEnd.send(true)
            }
        }

        @Test func `an idle connection stays while both live`() async throws {
            var hub = TestHub()
            hub.settings.heartbeat = .milliseconds(200)
            hub.control = { _, _, connection in
                while let message = try? await connection.next() {
                    if case .ping(let value) = message { try? await connection.send(.pong(value)) }
                }
            }
            try await hub.run { port in
                // The agent's own interval is 15 seconds: it answers the hub's pings.
                let connection = try await Dialing.control(port)
                try await Task.sleep(for: .seconds(2))
                try await connection.send(.ping(3))
                #expect(try await connection.next() == .pong(3))
            }
        }

        @Test func `both ends notice that the other fell silent`() async throws {
            var hub = TestHub()
            hub.settings.heartbeat = .milliseconds(200)
            let ended = Signal<WireError?>()
            hub.control = { _, _, connection in
                ended.send(await wireError { while case .some = try await connection.next() {} })
            }
            var settings = ConnectionSettings()
            settings.heartbeat = .milliseconds(200)
            let dialing = settings
            try await hub.run { port in
                let proxy = try await TestProxy.start(to: port)
                let connection = try await Dialing.control(proxy.port, settings: dialing)
                proxy.fallSilent()
                let error = await wireError { _ = try await connection.next() }
                #expect(error == .timedOut("hub 127.0.0.1:\(proxy.port) fell silent"))
                guard case .timedOut? = try await ended.wait() else {
                    Issue.record("the hub did not notice")
                    return
                }
                await proxy.stop()
            }
        }

        @Test func `a receiver that takes its time is not taken for dead`() async throws {
            var hub = TestHub()
            hub.settings.heartbeat = .milliseconds(200)
            hub.settings.unreadBytes = 64 << 10
            let mayRead = Signal<Bool>()
            let received = Signal<Int>()
            hub.bulk = { _, _, connection in
                _ = try? await mayRead.wait()
                var count = 0
                while count < 400, case .some = try? await connection.next() { count += 1 }
                received.send(count)
            }
            var settings = ConnectionSettings()
            settings.heartbeat = .milliseconds(200)
            settings.stalledHeartbeats = 100
            let dialing = settings
            try await hub.run { port in
                let connection = try await Dialing.bulk(port, settings: dialing)
                let sending = Task {
                    for index in 0..<UInt32(400) { try await connection.send(Self.chunk(index)) }
                }
                try await Task.sleep(for: .seconds(2))
                mayRead.send(true)
                #expect(try await received.wait() == 400)
                try await sending.value
            }
        }

        @Test func `a receiver that takes nothing for very long is given up`() async throws {
            var hub = TestHub()
            hub.settings.unreadBytes = 64 << 10
            let mayEnd = Signal<Bool>()
            hub.bulk = { _, _, _ in _ = try? await mayEnd.wait() }
            var settings = ConnectionSettings()
            settings.heartbeat = .milliseconds(200)
            settings.stalledHeartbeats = 4
            let dialing = settings
            try await hub.run { port in
                let connection = try await Dialing.bulk(port, settings: dialing)
                // The hub's own pings keep it alive in the agent's ears; its interval is the answer's.
                let error = await wireError { while true { try await connection.send(Self.chunk(0)) } }
                guard case .timedOut? = error else {
                    Issue.record("got \(String(describing: error))")
                    return
                }
                mayEnd.send(true)
            }
        }

        @Test func `a cut connection ends both sides with an error`() async throws {
            var hub = TestHub()
            let ended = Signal<WireError?>()
            hub.control = { _, _, connection in
                ended.send(await wireError { while case .some = try await connection.next() {} })
            }
            try await hub.run { port in
                let proxy = try await TestProxy.start(to: port)
                let connection = try await Dialing.control(proxy.port)
                proxy.cut()
                guard case .lost? = await wireError({ _ = try await connection.next() }) else {
                    Issue.record("the agent did not notice")
                    return
                }
                guard case .lost? = try await ended.wait() else {
                    Issue.record("the hub did not notice")
                    return
                }
                await proxy.stop()
            }
        }
    }
}
