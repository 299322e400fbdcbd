// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@testable import RelayServer

/// Conversations with the machine that decides who is asked for what.
@Suite struct ExchangeMachineTests {
    private static func device(_ number: UInt64) -> DeviceID { DeviceID(Bytes32(number, 0, 0, 0)) }
    private static let content = ContentID(Bytes32(9, 9, 9, 9))
    private let now = Instant(milliseconds: 1000)
    private let first = LinkID(number: 1)
    private let second = LinkID(number: 2)
    private let author = device(1)
    private let other = device(2)
    private let asker = device(3)

    private func source(_ index: UInt32, sizeBytes: UInt32 = 100) -> ChunkSource {
        ChunkSource(
            content: Self.content,
            want: ChunkWant(
                index: index,
                chunk: ChunkReference(id: ChunkID(Bytes32(UInt64(index), 7, 7, 7)), sizeBytes: sizeBytes),
                offset: 0),
            authors: [author])
    }

    private func chunk(_ count: Int = 100) -> EncodedChunk {
        EncodedChunk(encoding: .raw, sizeBytes: UInt32(count), bytes: [UInt8](repeating: 1, count: count))
    }

    private func waiter(_ number: UInt64) -> WaiterID { WaiterID(number: number) }

    private func machine(limits: ExchangeLimits = ExchangeLimits()) -> ExchangeMachine {
        var machine = ExchangeMachine(limits: limits)
        machine.attach(first, author, now: now)
        machine.attach(second, other, now: now)
        return machine
    }

    /// Tells that the chunks are not stored; returns what is asked then.
    private func lookUp(_ machine: inout ExchangeMachine, stored: Set<ChunkID> = []) -> [ExchangeAction] {
        _ = machine.takeActions()
        machine.lookedUp(machine.takeLookUps(limit: 1000), stored: stored, now: now)
        return machine.takeActions()
    }

    private func asked(_ actions: [ExchangeAction]) -> [(link: LinkID, request: UInt32, indexes: [UInt32])] {
        actions.compactMap { action in
            if case .send(let link, .wantChunks(let request, _, let wants)) = action {
                (link, request, wants.map(\.index))
            } else {
                nil
            }
        }
    }

    @Test func `a holder is told of a base, and no more of it after a difference that is wrong`() throws {
        var machine = machine()
        var source = source(0)
        source.base = KnownChunk([UInt8](repeating: 3, count: 90))
        machine.want(source, waiter(1), .device(asker))
        guard case .send(first, .wantChunks(let request, _, let wants))? = lookUp(&machine).first else {
            throw FixtureError("not asked")
        }
        #expect(wants.map(\.signature) == [source.base?.signature])
        #expect(machine.expected(first, request, index: 0)?.base == source.base)
        machine.mistold(first, request, index: 0, now: now)
        let again = machine.takeActions()
        guard case .send(first, .wantChunks(let other, _, let plain))? = again.first else {
            throw FixtureError("not asked again")
        }
        #expect(plain.map(\.signature) == [[]] && machine.expected(first, other, index: 0)?.base == nil)
        machine.arrived(first, other, index: 0, chunk(), now: now)
        #expect(isAnswered(machine.takeActions(), waiter(1)))
    }

    @Test func `a request tells of a bounded number of bases`() throws {
        var machine = machine()
        let base = try #require(KnownChunk([1, 2, 3]))
        for index in 0..<UInt32(ChunkWant.limitSignatures + 5) {
            var source = source(index)
            source.base = base
            machine.want(source, waiter(UInt64(index) + 1), .device(asker))
        }
        var signatures = 0
        for case .send(_, .wantChunks(_, _, let wants)) in lookUp(&machine) {
            let told = wants.count { !$0.signature.isEmpty }
            #expect(told <= ChunkWant.limitSignatures)
            signatures += told
        }
        #expect(signatures > 0)
    }

    private func isAnswered(_ actions: [ExchangeAction], _ waiter: WaiterID) -> Bool {
        actions.contains { if case .answer(waiter, .chunk) = $0 { true } else { false } }
    }

    @Test func `the author is asked, once for all who wait, in one request for many chunks`() {
        var machine = machine()
        machine.want(source(0), waiter(1), .device(asker))
        machine.want(source(1), waiter(2), .device(asker))
        machine.want(source(0), waiter(3), .device(other))
        let asks = asked(lookUp(&machine))
        #expect(asks.count == 1 && asks[0].link == first && asks[0].indexes == [0, 1])
        machine.arrived(first, asks[0].request, index: 0, chunk(), now: now)
        let actions = machine.takeActions()
        #expect(isAnswered(actions, waiter(1)) && isAnswered(actions, waiter(3)))
        #expect(!isAnswered(actions, waiter(2)))
    }

    @Test func `what is stored by now is not asked for`() {
        var machine = machine()
        machine.want(source(0), waiter(1), .device(asker))
        let actions = lookUp(&machine, stored: [source(0).want.chunk.id])
        #expect(asked(actions).isEmpty)
        #expect(actions.contains { if case .answer(waiter(1), .stored) = $0 { true } else { false } })
    }

    @Test func `what came to be stored while it was asked for is looked up again`() {
        var machine = ExchangeMachine()
        machine.attach(first, author, now: now)
        machine.want(source(0), waiter(1), .device(asker))
        let asks = asked(lookUp(&machine))
        machine.noteReleased()
        machine.refused(first, asks[0].request, index: 0, isBusy: false, now: now)
        #expect(machine.takeActions().contains { if case .lookUp = $0 { true } else { false } })
        let actions = lookUp(&machine, stored: [source(0).want.chunk.id])
        #expect(actions.contains { if case .answer(waiter(1), .stored) = $0 { true } else { false } })
        // Once only: then nobody has it.
        machine.want(source(1), waiter(2), .device(asker))
        let others = asked(lookUp(&machine))
        machine.noteReleased()
        machine.refused(first, others[0].request, index: 1, isBusy: false, now: now)
        #expect(
            lookUp(&machine).contains { if case .answer(waiter(2), .nobody) = $0 { true } else { false } })
    }

    @Test func `one who joins while a chunk is being stored has it at once`() {
        var machine = machine()
        machine.want(source(0), waiter(1), .store)
        let asks = asked(lookUp(&machine))
        machine.arrived(first, asks[0].request, index: 0, chunk(), now: now)
        #expect(machine.takeActions().contains { if case .keep = $0 { true } else { false } })
        machine.want(source(0), waiter(2), .device(asker))
        #expect(isAnswered(machine.takeActions(), waiter(2)))
        machine.settled([source(0).want.chunk.id], isKept: true, now: now)
        #expect(
            machine.takeActions().contains {
                if case .answer(waiter(1), .stored) = $0 { true } else { false }
            })
        #expect(machine.chunks.isEmpty)
    }

    @Test func `nothing is asked for while much waits to be stored`() {
        var limits = ExchangeLimits()
        limits.keepingBytes = 100
        var machine = machine(limits: limits)
        machine.want(source(0), waiter(1), .device(asker))
        let asks = asked(lookUp(&machine))
        machine.arrived(first, asks[0].request, index: 0, chunk(), now: now)
        machine.want(source(1), waiter(2), .device(asker))
        #expect(asked(lookUp(&machine)).isEmpty)
        machine.settled([source(0).want.chunk.id], isKept: true, now: now)
        #expect(asked(machine.takeActions()).map(\.indexes) == [[1]])
    }

    @Test func `those who wait for a chunk are not asked for it while another can be`() {
        var machine = machine()
        machine.want(source(0), waiter(1), .device(author))
        #expect(asked(lookUp(&machine)).first?.link == second)
    }

    @Test func `after the last holder the waiters are told, and nothing is left`() {
        var machine = machine()
        machine.want(source(0), waiter(1), .device(asker))
        let one = asked(lookUp(&machine))
        machine.refused(first, one[0].request, index: 0, isBusy: true, now: now)
        let two = asked(machine.takeActions())
        #expect(two.first?.link == second)
        machine.refused(second, two[0].request, index: nil, isBusy: false, now: now)
        let actions = machine.takeActions()
        guard case .answer(waiter(1), .nobody(let nobody)) = actions.first else {
            Issue.record("no answer: \(actions)")
            return
        }
        #expect(nobody.isBusy && nobody.arrivals == 2)
        #expect(machine.chunks.isEmpty)
    }

    @Test func `a holder that goes away is followed by the next`() {
        var machine = machine()
        machine.want(source(0), waiter(1), .device(asker))
        _ = lookUp(&machine)
        machine.detach(first, now: now)
        #expect(asked(machine.takeActions()).first?.link == second)
    }

    @Test func `a silent holder is passed over for a while`() {
        var machine = machine()
        machine.want(source(0), waiter(1), .device(asker))
        _ = lookUp(&machine)
        machine.tick(now: now + 9_000)
        #expect(machine.takeActions().isEmpty)
        machine.tick(now: now + 10_001)
        let actions = machine.takeActions()
        #expect(actions.contains { if case .send(first, .cancel) = $0 { true } else { false } })
        #expect(asked(actions).first?.link == second)
        machine.want(source(1), waiter(2), .device(asker))
        _ = machine.takeActions()
        machine.lookedUp(machine.takeLookUps(limit: 10), stored: [], now: now + 10_002)
        #expect(asked(machine.takeActions()).first?.link == second)
    }

    @Test func `time matters while something is wanted, or somebody is passed over`() {
        var machine = machine()
        #expect(machine.isAtRest(now: now))
        machine.want(source(0), waiter(1), .device(asker))
        #expect(!machine.isAtRest(now: now))
        _ = lookUp(&machine)
        machine.tick(now: now + 10_001)
        let request = asked(machine.takeActions())[0]
        machine.arrived(request.link, request.request, index: 0, chunk(), now: now + 10_002)
        machine.settled([source(0).want.chunk.id], isKept: true, now: now + 10_002)
        #expect(!machine.isAtRest(now: now + 10_003))
        #expect(machine.isAtRest(now: now + 10_001 + ExchangeLimits().penaltyMilliseconds))
    }

    @Test func `no more is asked at a time than the limit, and the rest as answers come`() {
        var limits = ExchangeLimits()
        limits.askedBytes = 1000
        var machine = machine(limits: limits)
        for index in 0..<30 { machine.want(source(UInt32(index)), waiter(UInt64(index)), .device(asker)) }
        var open = asked(lookUp(&machine))
        #expect(open.flatMap(\.indexes).count == 10)
        var answered = 0
        while !open.isEmpty {
            let ask = open.removeFirst()
            for index in ask.indexes {
                machine.arrived(first, ask.request, index: index, chunk(), now: now)
                answered += 1
                open += asked(machine.takeActions())
                #expect((machine.holders[first]?.askedBytes ?? 0) <= 1000)
            }
        }
        #expect(answered == 30)
        #expect(machine.holders[first]?.askedBytes == 0)
    }

    @Test func `devices go before the store`() {
        var limits = ExchangeLimits()
        limits.patientBytes = 200
        var machine = machine(limits: limits)
        for index in 0..<10 { machine.want(source(UInt32(index)), waiter(UInt64(index)), .store) }
        #expect(asked(lookUp(&machine)).flatMap(\.indexes) == [0, 1])
        // A chunk that was only for the store is urgent once a device wants it.
        machine.want(source(9), waiter(20), .device(asker))
        machine.want(source(11), waiter(21), .device(asker))
        #expect(asked(lookUp(&machine)).flatMap(\.indexes) == [9, 11])
    }

    @Test func `a request nobody wants any more is taken back`() {
        var machine = machine()
        machine.want(source(0), waiter(1), .device(asker))
        machine.want(source(1), waiter(2), .device(asker))
        _ = lookUp(&machine)
        machine.cancel(waiter(1), chunk: source(0).want.chunk.id, now: now)
        #expect(!machine.takeActions().contains { if case .send = $0 { true } else { false } })
        machine.cancel(waiter(2), chunk: source(1).want.chunk.id, now: now)
        #expect(machine.takeActions().contains { if case .send(first, .cancel) = $0 { true } else { false } })
        #expect(machine.chunks.isEmpty && machine.holders[first]?.askedBytes == 0)
    }

    @Test func `without room nothing is kept, and the store is told`() {
        var machine = machine()
        machine.roomBytes = 99
        machine.want(source(0), waiter(1), .device(asker))
        machine.want(source(0), waiter(2), .store)
        let asks = asked(lookUp(&machine))
        machine.arrived(first, asks[0].request, index: 0, chunk(), now: now)
        let actions = machine.takeActions()
        #expect(isAnswered(actions, waiter(1)))
        #expect(actions.contains { if case .answer(waiter(2), .notKept) = $0 { true } else { false } })
        #expect(machine.chunks.isEmpty)
    }

    @Test func `answers to nothing that was asked are dropped`() {
        var machine = machine()
        machine.arrived(first, 77, index: 0, chunk(), now: now)
        machine.refused(first, 77, index: nil, isBusy: false, now: now)
        #expect(machine.manifestPart(first, 77, first: 0, total: 1, .chunks([]), now: now) == nil)
        #expect(machine.expected(first, 77, index: 0) == nil)
        #expect(machine.takeActions().isEmpty)
    }

    @Test func `parts of a chunk list that do not fit are followed by the next holder`() {
        var machine = machine()
        machine.wantManifest(Self.content, authors: [author], waiter(1), .device(asker), now: now)
        guard case .send(first, .wantManifest(let request, _, _)) = machine.takeActions().first else {
            Issue.record("not asked")
            return
        }
        let part = [ChunkReference(id: ChunkID(Bytes32(1, 1, 1, 1)), sizeBytes: 5)]
        #expect(machine.manifestPart(first, request, first: 0, total: 3, .chunks(part), now: now) == nil)
        #expect(machine.manifestPart(first, request, first: 2, total: 3, .chunks(part), now: now) == nil)
        guard case .send(second, .wantManifest(let again, _, _)) = machine.takeActions().first else {
            Issue.record("the next holder is not asked")
            return
        }
        let whole = machine.manifestPart(second, again, first: 0, total: 1, .chunks(part), now: now)
        #expect(whole?.1 == Manifest(part))
        machine.manifestWrong(Self.content, now: now)
        guard case .answerManifest(waiter(1), .nobody) = machine.takeActions().first else {
            Issue.record("not told")
            return
        }
    }

    @Test func `a chunk list is told in terms of another, once`() {
        var machine = machine()
        let known = KnownManifest(
            content: ContentID(Bytes32(8, 8, 8, 8)), manifest: Manifest((0..<5).map { source($0).want.chunk })
        )
        machine.wantManifest(
            Self.content, authors: [author], knowing: known, waiter(1), .device(asker), now: now)
        guard case .send(first, .wantManifest(let request, _, known.content)) = machine.takeActions().first
        else {
            Issue.record("not asked in terms of the other list")
            return
        }
        let part = [source(9).want.chunk]
        #expect(machine.manifestPart(first, request, first: 0, total: 4, .chunks(part), now: now) == nil)
        let whole = machine.manifestPart(
            first, request, first: 1, total: 4, .copy(start: 2, count: 3), now: now)
        #expect(whole?.1 == Manifest(part + known.manifest.chunks[2...]))
        machine.manifestWrong(Self.content, now: now)
        guard case .send(second, .wantManifest(let again, _, nil)) = machine.takeActions().first else {
            Issue.record("the next is asked in the same terms")
            return
        }
        // What was not asked for does not fit.
        #expect(
            machine.manifestPart(second, again, first: 0, total: 3, .copy(start: 2, count: 3), now: now)
                == nil)
        #expect(machine.manifests[Self.content] == nil)
    }

    @Test func `a holder that is slow but delivers is taken for neither stuck nor silent`() {
        var machine = machine()
        var waiting = SlowHolder()
        let bytes = 64 << 10
        var next: UInt32 = 0
        // A chunk a second, and a request more whenever one is through: 64 KiB/s.
        for second in 0..<300 as Range<Int64> {
            while next < UInt32(second) + 100 {
                machine.want(source(next, sizeBytes: UInt32(bytes)), waiter(UInt64(next)), .device(asker))
                next += 1
            }
            _ = machine.takeLookUps(limit: 0)
            let instant = now + second * 1000
            machine.lookedUp(machine.takeLookUps(limit: 1000), stored: [], now: instant)
            machine.tick(now: instant)
            var actions = machine.takeActions()
            if let (request, index) = waiting.turn(asked(actions)) {
                machine.arrived(first, request, index: index, chunk(bytes), now: instant)
                let more = machine.takeActions()
                _ = waiting.turn(asked(more), answers: false)
                actions += more
            }
            #expect(!actions.contains { if case .stalled = $0 { true } else { false } }, "second \(second)")
        }
        // It is asked for what it delivers in a few seconds.
        #expect((machine.holders[first]?.askedBytes ?? .max) <= 12 * bytes)
    }

    @Test func `a holder that passes over a request is followed by the next`() {
        var machine = machine()
        machine.want(source(0), waiter(0), .device(asker))
        let passedOver = asked(lookUp(&machine))
        #expect(passedOver.first?.link == first)
        var stalled: Int64?
        for moment in 0..<120 as Range<Int64> {
            let instant = now + moment * 1000
            let index = UInt32(moment) + 1
            machine.want(source(index, sizeBytes: 256 << 10), waiter(UInt64(index)), .device(asker))
            machine.lookedUp(machine.takeLookUps(limit: 10), stored: [], now: instant)
            for ask in asked(machine.takeActions()) where ask.link == first {
                for index in ask.indexes {
                    machine.arrived(first, ask.request, index: index, chunk(100), now: instant)
                }
            }
            machine.tick(now: instant)
            let actions = machine.takeActions()
            if actions.contains(where: { if case .stalled = $0 { true } else { false } }) {
                #expect(asked(actions).first?.link == second && asked(actions).first?.indexes == [0])
                stalled = moment
                break
            }
        }
        #expect(stalled.map { (30...32).contains($0) } == true)
    }

    @Test func `a fast holder is asked for more and more`() {
        var machine = machine()
        var open: [(link: LinkID, request: UInt32, indexes: [UInt32])] = []
        for index in 0..<1000 as Range<UInt32> {
            machine.want(source(index, sizeBytes: 64 << 10), waiter(UInt64(index)), .device(asker))
        }
        open += asked(lookUp(&machine))
        #expect(machine.holders[first]?.askedBytes == 1 << 20)
        var most = 0
        while !open.isEmpty {
            let ask = open.removeFirst()
            for index in ask.indexes {
                machine.arrived(first, ask.request, index: index, chunk(10), now: now + 5)
                open += asked(machine.takeActions())
                most = max(most, machine.holders[first]?.askedBytes ?? 0)
            }
        }
        #expect(most > 15 << 20 && most <= 16 << 20)
    }

    @Test func `bytes of any chunk are a sign of life`() {
        var machine = machine()
        machine.want(source(0), waiter(1), .device(asker))
        _ = lookUp(&machine)
        for second in 1...60 as ClosedRange<Int64> {
            let isBack = machine.heard(first, now: now + second * 1000)
            #expect(!isBack)
            machine.tick(now: now + second * 1000)
        }
        #expect(machine.takeActions().isEmpty)
        // One that had been passed over counts again, and whoever waits may ask anew.
        machine.tick(now: now + 71_000)
        #expect(!machine.takeActions().isEmpty)
        let arrivals = machine.arrivals
        let isBack = machine.heard(first, now: now + 72_000)
        #expect(isBack)
        #expect(machine.arrivals == arrivals + 1)
        machine.want(source(5), waiter(5), .device(asker))
        machine.lookedUp(machine.takeLookUps(limit: 10), stored: [], now: now + 72_000)
        #expect(asked(machine.takeActions()).first?.link == first)
    }
}

/// A holder that answers one chunk at a time, and gives its requests turns of a chunk each.
private struct SlowHolder {
    private var requests: [(request: UInt32, indexes: [UInt32])] = []

    /// Takes in what is asked, and gives the chunk that it answers now.
    mutating func turn(
        _ asks: [(link: LinkID, request: UInt32, indexes: [UInt32])], answers: Bool = true
    ) -> (UInt32, UInt32)? {
        for ask in asks { requests.append((ask.request, ask.indexes)) }
        guard answers, !requests.isEmpty else { return nil }
        var next = requests.removeFirst()
        let index = next.indexes.removeFirst()
        if !next.indexes.isEmpty { requests.append(next) }
        return (next.request, index)
    }
}
