// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RelayAgent

@Suite struct RuntimeTests {
    @Test func `a queue gives all that waits, and then its end`() async {
        let queue = AsyncQueue<Int>()
        queue.append(1)
        queue.append(2)
        #expect(await queue.takeAll() == [1, 2])
        async let later = queue.takeAll()
        queue.append(3)
        #expect(await later == [3])
        queue.finish()
        #expect(!queue.append(4))
        #expect(await queue.takeAll() == nil)
    }

    @Test func `a cancelled taker takes nothing`() async {
        let queue = AsyncQueue<Int>()
        let taken = await withTaskGroup(of: [Int]?.self) { group in
            group.addTask { await queue.takeAll() }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(taken == nil)
        queue.append(1)
        #expect(await queue.takeAll() == [1])
    }

    @Test func `permits are given in the order in which they were asked for`() async {
        let permits = Permits(10)
        #expect(permits.tryTake(8))
        #expect(!permits.tryTake(3))
        async let large = permits.take(9)
        while permits.tryTake(1) { permits.giveBack(1) }
        #expect(!permits.tryTake(1))
        permits.giveBack(8)
        #expect(await large)
        #expect(permits.tryTake(1))
    }

    @Test func `more permits than there are is as good as all`() async {
        let permits = Permits(10)
        #expect(await permits.take(25))
        #expect(!permits.tryTake(1))
        permits.giveBack(25)
        #expect(permits.tryTake(10))
    }

    @Test func `a cancelled wait for permits leaves them to others`() async {
        let permits = Permits(1)
        #expect(permits.tryTake(1))
        let isTaken = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await permits.take(1) }
            group.cancelAll()
            return await group.next() ?? true
        }
        #expect(!isTaken)
        permits.giveBack(1)
        #expect(permits.tryTake(1))
    }

    @Test func `a value is set once and seen by all`() async {
        let value = OneShot<Int>()
        async let first = value.wait()
        async let second = value.wait()
        #expect(value.set(1))
        #expect(!value.set(2))
        #expect(await first == 1)
        #expect(await second == 1)
    }

    @Test func `a signal is not missed between the look and the wait`() async {
        let signal = Signal()
        let generation = signal.generation
        signal.fire()
        await signal.wait(after: generation)
        #expect(signal.generation == generation + 1)
    }

    @Test func `a deadline ends what takes too long, and nothing else`() async {
        #expect(await withDeadline(seconds: 60) { 1 } == 1)
        #expect(await withDeadline(seconds: nil) { 2 } == 2)
        let never = OneShot<Int>()
        #expect(await withDeadline(seconds: 0.01) { await never.wait() } == nil)
    }

    @Test func `delays double up to a limit and begin anew`() {
        var backoff = Backoff(first: .milliseconds(100), limit: .seconds(1))
        #expect((.milliseconds(50)...(.milliseconds(100))).contains(backoff.next()))
        #expect((.milliseconds(100)...(.milliseconds(200))).contains(backoff.next()))
        for _ in 0..<100 { #expect(backoff.next() <= .seconds(1)) }
        backoff.reset()
        #expect(backoff.next() <= .milliseconds(100))
    }

    @Test func `a pool runs everything, on no more threads than it has`() async {
        let pool = BlockingPool(label: "test", width: 2)
        let results = await withTaskGroup(of: Int.self) { group in
            for number in 0..<5000 { group.addTask { await pool.run { number } } }
            return await group.reduce(0, +)
        }
        #expect(results == 5000 * 4999 / 2)
    }
}
