// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RelayCore

@Suite struct UniqueQueueTests {
    @Test func `elements come out once, in the order they went in`() {
        var queue = UniqueQueue<Int>()
        for number in [3, 1, 3, 2, 1] { queue.insert(number) }
        queue.remove(1)
        #expect(queue.count == 2)
        #expect(queue.popAll() == [3, 2])
        #expect(queue.isEmpty)
        queue.insert(1)
        #expect(queue.popFirst() == 1)
        #expect(queue.popFirst() == nil)
    }

    @Test func `a queue that shrinks holds what it held, in its order`() {
        var queue = UniqueQueue<Int>()
        for number in 0..<5000 { queue.insert(number) }
        for _ in 0..<4990 { _ = queue.popFirst() }
        queue.remove(4995)
        queue.shrink()
        queue.insert(4990)
        queue.insert(7)
        #expect(queue.popAll() == [4990, 4991, 4992, 4993, 4994, 4996, 4997, 4998, 4999, 7])
    }

    @Test func `a long queue is compacted without losing its order`() {
        var queue = UniqueQueue<Int>()
        for number in 0..<10_000 { queue.insert(number) }
        for number in 0..<9_000 { #expect(queue.popFirst() == number) }
        for number in 0..<10 { queue.insert(number) }
        #expect(queue.popAll() == Array(9_000..<10_000) + Array(0..<10))
    }
}

@Suite struct WaitListTests {
    private func node(_ number: UInt64) -> NodeID { NodeID(high: 1 << 63, low: number) }

    @Test func `who waited is released once`() {
        var waits = WaitList()
        waits.insert(node(1), waitingFor: node(9))
        waits.insert(node(2), waitingFor: node(9))
        waits.insert(node(2), waitingFor: node(8))
        #expect(waits.release(node(9)) == [node(1)])
        #expect(waits.release(node(9)).isEmpty)
        #expect(waits.release(node(8)) == [node(2)])
        #expect(waits.isEmpty)
    }

    @Test func `a circle is found whoever closes it`() {
        var waits = WaitList()
        waits.insert(node(1), waitingFor: node(2))
        waits.insert(node(2), waitingFor: node(3))
        #expect(waits.circle(closedBy: node(3), waitingFor: node(4)) == nil)
        #expect(waits.circle(closedBy: node(3), waitingFor: node(1)) == [node(3), node(1), node(2)])
    }
}
