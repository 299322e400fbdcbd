// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RelayCore
import Testing

@testable import RelayWire

@Suite struct QueueTests {
    private func frames(_ count: Int) -> [Frame] { (0..<count).map { .ping(UInt64($0)) } }

    private func taken(_ inbox: Inbox, limit: Int) async -> (frames: [Frame], mayRead: Bool)? {
        if case .frames(let frames, let mayRead) = await inbox.take(limit: limit) {
            (frames, mayRead)
        } else {
            nil
        }
    }

    @Test func `an inbox is full at its limit and opens at half of it`() async {
        let inbox = Inbox(limitWeight: .max, limitCount: 10)
        #expect(!inbox.push(frames(9)))
        #expect(inbox.push(frames(1)))
        #expect(inbox.push(frames(2)))
        #expect(await taken(inbox, limit: 6)?.mayRead == false)
        #expect(await taken(inbox, limit: 1)?.mayRead == true)
        // Told once.
        #expect(await taken(inbox, limit: 1)?.mayRead == false)
        #expect(inbox.count == 4)
    }

    @Test func `an inbox weighs what it holds`() async {
        let inbox = Inbox(limitWeight: 100, limitCount: .max)
        let frame = Frame.message(.control, [UInt8](repeating: 0, count: 95))
        #expect(inbox.push([frame]))
        #expect(await taken(inbox, limit: 1)?.mayRead == true)
    }

    @Test func `what came before the end is taken before it`() async {
        let inbox = Inbox(limitWeight: .max, limitCount: .max)
        _ = inbox.push(frames(2))
        inbox.finish(.lost("x"))
        inbox.finish(nil)
        _ = inbox.push(frames(2))
        #expect(await taken(inbox, limit: 10)?.frames == frames(2))
        for _ in 0..<2 {
            guard case .end(.lost("x")) = await inbox.take(limit: 1) else {
                Issue.record("no end")
                return
            }
        }
    }

    @Test func `a waiting taker is woken by frames, the end, or cancellation`() async {
        for attempt in 0..<300 {
            let inbox = Inbox(limitWeight: .max, limitCount: .max)
            let taking = Task { await inbox.take(limit: 1) }
            if attempt % 2 == 0 { await Task.yield() }
            switch attempt % 3 {
            case 0: _ = inbox.push(frames(1))
            case 1: inbox.finish(nil)
            default: taking.cancel()
            }
            switch (attempt % 3, await taking.value) {
            case (0, .frames), (1, .end(nil)), (2, .cancelled): continue
            default: Issue.record("woken for the wrong reason")
            }
        }
    }

    @Test func `an outbox calls the loop once until it comes`() throws {
        let outbox = Outbox(limitBytes: 100)
        #expect(try outbox.add([ByteBuffer(bytes: [1])], byteCount: 1))
        #expect(try !outbox.add([ByteBuffer(bytes: [2])], byteCount: 1))
        #expect(outbox.drain().count == 2)
        #expect(try outbox.add([ByteBuffer(bytes: [3])], byteCount: 1))
        #expect(outbox.pendingBytes == 3)
    }

    @Test func `a sender waits at the limit and goes on at half of it`() async throws {
        let outbox = Outbox(limitBytes: 100)
        _ = try outbox.add([], byteCount: 100)
        let waiting = Task { try await outbox.waitForRoom() }
        outbox.written(49)
        outbox.written(1)
        try await waiting.value
    }

    @Test func `waiting senders are woken by the end or by cancellation`() async throws {
        for attempt in 0..<200 {
            let outbox = Outbox(limitBytes: 1)
            _ = try outbox.add([], byteCount: 1)
            let waiting = (0..<3).map { _ in Task { await wireError { try await outbox.waitForRoom() } } }
            if attempt % 2 == 0 { await Task.yield() }
            waiting[1].cancel()
            #expect(await waiting[1].value == .closed)
            outbox.finish(.lost("x"))
            #expect(await waiting[0].value == .lost("x"))
            #expect(await waiting[2].value == .lost("x"))
            #expect(throws: WireError.lost("x")) { try outbox.add([], byteCount: 1) }
        }
    }

    @Test func `a turnstile counts each connection once`() throws {
        let turnstile = Turnstile(connectionLimit: 3, unadmittedLimit: 2)
        let first = try #require(turnstile.enter())
        let second = try #require(turnstile.enter())
        #expect(turnstile.enter() == nil)
        first.admitted()
        first.admitted()
        let third = try #require(turnstile.enter())
        #expect(turnstile.enter() == nil)
        second.left()
        second.left()
        second.admitted()
        let fourth = try #require(turnstile.enter())
        #expect(turnstile.enter() == nil)
        third.admitted()
        fourth.admitted()
        #expect(turnstile.enter() == nil)
        first.left()
        #expect(turnstile.enter() != nil)
    }
}
