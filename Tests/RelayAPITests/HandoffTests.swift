// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@testable import RelayAPI

@Suite struct HandoffTests {
    @Test func `elements arrive in order, then the end`() async throws {
        let handoff = Handoff<Int>()
        async let sent: Void = {
            for number in 0..<100 { try await handoff.send(number) }
            handoff.end()
        }()
        var received: [Int] = []
        while let number = try await handoff.next() { received.append(number) }
        try await sent
        #expect(received == Array(0..<100))
        #expect(try await handoff.next() == nil)
    }

    @Test func `an error reaches the consumer, and later sends fail`() async throws {
        let handoff = Handoff<Int>()
        handoff.end(ControlError.failed("over"))
        await #expect(throws: ControlError.failed("over")) { _ = try await handoff.next() }
        await #expect(throws: ControlError.failed("over")) { try await handoff.send(1) }
    }

    @Test func `cancelling the consumer wakes the producer`() async throws {
        let handoff = Handoff<Int>()
        let producer = Task {
            for number in 0... { try await handoff.send(number) }
        }
        let consumer = Task {
            while try await handoff.next() != nil {}
        }
        _ = consumer
        consumer.cancel()
        await #expect(throws: CancellationError.self) { try await producer.value }
    }
}
