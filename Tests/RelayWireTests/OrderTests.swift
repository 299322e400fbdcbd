// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization
import Testing

@testable import RelayWire

extension NetworkTests {
    /// Messages that pass by a queue, or by the task that receives, keep their order.
    @Suite struct OrderTests {
        /// What waits to be sent by a task.
        private final class Waiting: Sendable {
            private let messages = Mutex<[AgentMessage]>([])
            var isEmpty: Bool { messages.withLock { $0.isEmpty } }
            func append(_ message: AgentMessage) { messages.withLock { $0.append(message) } }
            func takeAll() -> [AgentMessage] {
                messages.withLock { all in
                    defer { all = [] }
                    return all
                }
            }
        }

        /// A hub that sends what it gets in pings back in pongs, after so many pongs of its own.
        private func echo(after count: UInt64 = 0) -> TestHub {
            var hub = TestHub()
            hub.control = { _, _, connection in
                for first in stride(from: 0, to: count, by: 20) {
                    try? await connection.send((first..<min(first + 20, count)).map { .pong($0) })
                }
                while case .ping(let number)? = try? await connection.next() {
                    try? await connection.send(.pong(number))
                }
            }
            return hub
        }

        private func expectPongs(_ numbers: Range<UInt64>, on connection: AgentControl) async throws {
            for number in numbers { #expect(try await connection.next() == .pong(number)) }
        }

        @Test func `what is small goes at once, but for what would pass another`() async throws {
            try await echo().run { port in
                let connection = try await Dialing.control(port)
                let order = SendingOrder()
                var queued: [AgentMessage] = []
                func send(_ number: UInt64, bytes: Int = 64) -> Bool {
                    order.send(AgentMessage.ping(number), bytes: bytes, on: connection) {
                        queued.append(.ping(number))
                        return true
                    }
                }
                #expect(send(0))
                #expect(queued.isEmpty)
                #expect(send(1, bytes: 1 << 20))
                #expect(send(2))
                #expect(queued == [.ping(1), .ping(2)])
                try await connection.send(queued)
                // Another came while those were being sent.
                order.sent { false }
                queued = []
                #expect(send(3))
                #expect(queued == [.ping(3)])
                try await connection.send(queued)
                order.sent { true }
                queued = []
                #expect(send(4))
                #expect(queued.isEmpty)
                try await expectPongs(0..<5, on: connection)

                var isFinished = false
                order.close { isFinished = true }
                #expect(isFinished)
                #expect(!send(5))
                order.sent { true }
                #expect(!send(6))
                #expect(queued.isEmpty)
                await connection.close()
            }
        }

        @Test func `a task that sends what waits is never passed`() async throws {
            try await echo().run { port in
                let connection = try await Dialing.control(port)
                let order = SendingOrder()
                let waiting = Waiting()
                let (wakes, waker) = AsyncStream.makeStream(of: Void.self)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for await _ in wakes {
                            while true {
                                let messages = waiting.takeAll()
                                guard !messages.isEmpty else { break }
                                try await connection.send(messages)
                                order.sent { waiting.isEmpty }
                            }
                        }
                    }
                    group.addTask {
                        for number in 0..<3000 as Range<UInt64> {
                            // A long one now and then, so that the way past the queue opens and closes.
                            let bytes = number % 11 == 0 ? 1 << 20 : 64
                            order.send(AgentMessage.ping(number), bytes: bytes, on: connection) {
                                waiting.append(.ping(number))
                                waker.yield()
                                return true
                            }
                            if number % 50 == 0 { await Task.yield() }
                        }
                        waker.finish()
                    }
                    try await expectPongs(0..<3000, on: connection)
                    try await group.waitForAll()
                }
                await connection.close()
            }
        }

        @Test func `what is handled where it comes in passes nothing that came before`() async throws {
            try await echo(after: 3000).run { port in
                let connection = try await Dialing.control(port)
                let (log, logging) = AsyncStream.makeStream(of: (number: UInt64, isDirect: Bool).self)
                connection.receiveDirectly { message in
                    // Some are left to the task.
                    guard case .pong(let number) = message, number % 7 != 0 else { return false }
                    logging.yield((number, true))
                    return true
                }
                let reading = Task {
                    while case .pong(let number)? = try? await connection.next() {
                        logging.yield((number, false))
                    }
                    logging.finish()
                }
                var arrivals = log.makeAsyncIterator()
                for number in 0..<3000 as Range<UInt64> {
                    let arrival = try #require(await arrivals.next())
                    #expect(arrival.number == number)
                    if number % 7 == 0 { #expect(!arrival.isDirect) }
                }
                // One at a time: soon the task is waiting when it comes.
                var isDirect = false
                while !isDirect {
                    try await connection.send(.ping(1))
                    let arrival = try #require(await arrivals.next())
                    #expect(arrival.number == 1)
                    isDirect = arrival.isDirect
                }
                await connection.close()
                await reading.value
            }
        }
    }
}
