// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RelayCore

/// One row of the planner's table.
struct PlannerCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var base: NodeState?
    var local: LocalView?
    var remote: RemoteState?
    var plan: NodePlan

    init(
        _ description: String, base: NodeState? = nil, local: LocalView? = nil, remote: RemoteState? = nil,
        _ plan: NodePlan
    ) {
        testDescription = description
        self.base = base
        self.local = local
        self.remote = remote
        self.plan = plan
    }
}

private typealias F = Fixture

@Suite struct PlannerTests {
    private static let base = F.state(F.a, F.file(1))
    private static let directory = F.state(F.a, F.directory())
    private static let link = F.state(F.a, F.link("x"))

    static let existence: [PlannerCase] = [
        .init("nobody has it", .forget),
        .init("both removed it", base: base, remote: .removed(Revision(9)), .forget),
        .init("only the past knows it", base: base, .forget),
        .init("a tombstone of something never seen", remote: .removed(Revision(9)), .forget),
        .init("new here", local: F.local(F.a, F.file(1)), .create),
        .init("new directory here", local: F.local(F.a, F.directory()), .create),
        .init("new link here", local: F.local(F.a, F.link("x")), .create),
        .init("the hub forgot it", base: base, local: F.local(F.a, F.file(1)), .create),
        .init("new there", remote: .live(base), .fetch),
        .init("new directory there", remote: .live(directory), .fetch),
        .init("new link there", remote: .live(link), .fetch),
        .init("removed here", base: base, remote: .live(base), .remove),
        .init("directory removed here", base: directory, remote: .live(directory), .remove),
        .init("link removed here", base: link, remote: .live(link), .remove),
        .init(
            "removed here, edited there", base: base,
            remote: .live(F.state(F.a, F.file(2), changed: 2)), .fetch),
        .init(
            "removed here, moved there", base: base,
            remote: .live(F.state(F.b, F.file(1), placed: 2)), .fetch),
        .init(
            "removed here, touched there", base: base,
            remote: .live(F.state(F.a, F.file(1, at: 200), changed: 2)), .fetch),
        .init(
            "directory removed here, its mode changed there", base: directory,
            remote: .live(F.state(F.a, F.directory(0o700), changed: 2)), .remove),
        .init(
            "directory removed here, moved there", base: directory,
            remote: .live(F.state(F.b, F.directory(), placed: 2)), .fetch),
        .init(
            "removed there", base: base, local: F.local(F.a, F.file(1)), remote: .removed(Revision(2)),
            .discard),
        .init(
            "directory removed there", base: directory, local: F.local(F.a, F.directory()),
            remote: .removed(Revision(2)), .discard),
        .init(
            "link removed there", base: link, local: F.local(F.a, F.link("x")),
            remote: .removed(Revision(2)), .discard),
        .init(
            "an edit beats a removal", base: base, local: F.local(F.a, F.file(2)),
            remote: .removed(Revision(2)), .revive),
        .init(
            "a move beats a removal", base: base, local: F.local(F.b, F.file(1)),
            remote: .removed(Revision(2)), .revive),
        .init(
            "a new target beats a link's removal", base: link, local: F.local(F.a, F.link("y")),
            remote: .removed(Revision(2)), .revive),
        .init(
            "a changed mode does not beat a removal", base: base,
            local: F.local(F.a, F.file(1, mode: 0o600)), remote: .removed(Revision(2)), .discard),
        .init(
            "a touched file does not beat a removal", base: base,
            local: F.local(F.a, F.file(1, at: 300)), remote: .removed(Revision(2)), .discard),
        .init(
            "a directory's changed mode does not beat its removal", base: directory,
            local: F.local(F.a, F.directory(0o700)), remote: .removed(Revision(2)), .discard),
        .init(
            "a moved directory beats its removal", base: directory, local: F.local(F.c, F.directory()),
            remote: .removed(Revision(2)), .revive),
        .init(
            "without a base, what is here beats a removal", local: F.local(F.a, F.file(1)),
            remote: .removed(Revision(2)), .revive),
    ]

    static let placements: [PlannerCase] = [
        .init("nothing changed", base: base, local: F.local(F.a, F.file(1)), remote: .live(base), .agreed),
        .init(
            "moved here", base: base, local: F.local(F.b, F.file(1)), remote: .live(base),
            .merge(placement: .push, payload: .agreed)),
        .init(
            "moved to another directory here", base: base, local: F.local(F.c, F.file(1)),
            remote: .live(base), .merge(placement: .push, payload: .agreed)),
        .init(
            "moved there", base: base, local: F.local(F.a, F.file(1)),
            remote: .live(F.state(F.b, F.file(1), placed: 2)), .merge(placement: .pull, payload: .agreed)),
        .init(
            "moved to one place by both", base: base, local: F.local(F.b, F.file(1)),
            remote: .live(F.state(F.b, F.file(1), placed: 2)), .agreed),
        .init(
            "moved to two places: the hub's holds", base: base, local: F.local(F.c, F.file(1)),
            remote: .live(F.state(F.b, F.file(1), placed: 2)), .merge(placement: .pull, payload: .agreed)),
        .init(
            "moved there and back: the local move is pulled", base: base, local: F.local(F.b, F.file(1)),
            remote: .live(F.state(F.a, F.file(1), placed: 3)), .merge(placement: .pull, payload: .agreed)),
        .init(
            "a directory moved here", base: directory, local: F.local(F.c, F.directory()),
            remote: .live(directory), .merge(placement: .push, payload: .agreed)),
        .init(
            "without a base the hub's place holds", local: F.local(F.b, F.file(1)), remote: .live(base),
            .merge(placement: .pull, payload: .agreed)),
        .init(
            "moved here, edited there: both", base: base, local: F.local(F.b, F.file(1)),
            remote: .live(F.state(F.a, F.file(2), changed: 2)),
            .merge(placement: .push, payload: .pull(F.file(2)))),
        .init(
            "edited here, moved there: both", base: base, local: F.local(F.a, F.file(2)),
            remote: .live(F.state(F.b, F.file(1), placed: 2)), .merge(placement: .pull, payload: .push)),
        .init(
            "moved and edited here", base: base, local: F.local(F.b, F.file(2)), remote: .live(base),
            .merge(placement: .push, payload: .push)),
        .init(
            "moved and edited there", base: base, local: F.local(F.a, F.file(1)),
            remote: .live(F.state(F.b, F.file(2), placed: 2, changed: 3)),
            .merge(placement: .pull, payload: .pull(F.file(2)))),
    ]

    static let payloads: [PlannerCase] = [
        .init(
            "edited here", base: base, local: F.local(F.a, F.file(2)), remote: .live(base),
            .merge(placement: .agreed, payload: .push)),
        .init(
            "edited there", base: base, local: F.local(F.a, F.file(1)),
            remote: .live(F.state(F.a, F.file(2), changed: 2)),
            .merge(placement: .agreed, payload: .pull(F.file(2)))),
        .init(
            "edited alike by both", base: base, local: F.local(F.a, F.file(2)),
            remote: .live(F.state(F.a, F.file(2), changed: 2)), .agreed),
        .init(
            "edited differently by both", base: base, local: F.local(F.a, F.file(3)),
            remote: .live(F.state(F.a, F.file(2), changed: 2)),
            .merge(placement: .agreed, payload: .conflict)),
        .init(
            "one content, two times: no conflict", base: base, local: F.local(F.a, F.file(2, at: 300)),
            remote: .live(F.state(F.a, F.file(2, at: 200), changed: 2)),
            .merge(placement: .agreed, payload: .pull(F.file(2, at: 200)))),
        .init(
            "edited and edited back there", base: base, local: F.local(F.a, F.file(2)),
            remote: .live(F.state(F.a, F.file(1), changed: 3)),
            .merge(placement: .agreed, payload: .push)),
        .init(
            "mode changed here", base: base, local: F.local(F.a, F.file(1, mode: 0o600)),
            remote: .live(base), .merge(placement: .agreed, payload: .push)),
        .init(
            "mode changed there", base: base, local: F.local(F.a, F.file(1)),
            remote: .live(F.state(F.a, F.file(1, mode: 0o600), changed: 2)),
            .merge(placement: .agreed, payload: .pull(F.file(1, mode: 0o600)))),
        .init(
            "mode changed here, edited there: both", base: base,
            local: F.local(F.a, F.file(1, mode: 0o600)),
            remote: .live(F.state(F.a, F.file(2, at: 200), changed: 2)),
            .merge(placement: .agreed, payload: .pull(F.file(2, mode: 0o600, at: 200)))),
        .init(
            "edited here, mode changed there: both", base: base,
            local: F.local(F.a, F.file(2, at: 300)),
            remote: .live(F.state(F.a, F.file(1, mode: 0o600), changed: 2)),
            .merge(placement: .agreed, payload: .pull(F.file(2, mode: 0o600, at: 300)))),
        .init(
            "two modes: the hub's holds", base: base, local: F.local(F.a, F.file(1, mode: 0o600)),
            remote: .live(F.state(F.a, F.file(1, mode: 0o640), changed: 2)),
            .merge(placement: .agreed, payload: .pull(F.file(1, mode: 0o640)))),
        .init(
            "directory's mode changed here", base: directory, local: F.local(F.a, F.directory(0o700)),
            remote: .live(directory), .merge(placement: .agreed, payload: .push)),
        .init(
            "directory's mode changed there", base: directory, local: F.local(F.a, F.directory()),
            remote: .live(F.state(F.a, F.directory(0o700), changed: 2)),
            .merge(placement: .agreed, payload: .pull(F.directory(0o700)))),
        .init(
            "directory's mode changed by both: the hub's holds", base: directory,
            local: F.local(F.a, F.directory(0o750)),
            remote: .live(F.state(F.a, F.directory(0o700), changed: 2)),
            .merge(placement: .agreed, payload: .pull(F.directory(0o700)))),
        .init(
            "link's target changed here", base: link, local: F.local(F.a, F.link("y")),
            remote: .live(link), .merge(placement: .agreed, payload: .push)),
        .init(
            "link's target changed there", base: link, local: F.local(F.a, F.link("x")),
            remote: .live(F.state(F.a, F.link("y"), changed: 2)),
            .merge(placement: .agreed, payload: .pull(F.link("y")))),
        .init(
            "link's target changed alike", base: link, local: F.local(F.a, F.link("y")),
            remote: .live(F.state(F.a, F.link("y"), changed: 2)), .agreed),
        .init(
            "link's target changed differently", base: link, local: F.local(F.a, F.link("z")),
            remote: .live(F.state(F.a, F.link("y"), changed: 2)),
            .merge(placement: .agreed, payload: .conflict)),
        .init(
            "without a base, equal contents are one", local: F.local(F.a, F.file(1, at: 300)),
            remote: .live(base), .merge(placement: .agreed, payload: .pull(F.file(1)))),
        .init(
            "without a base, different contents conflict", local: F.local(F.a, F.file(2)),
            remote: .live(base), .merge(placement: .agreed, payload: .conflict)),
        .init(
            "without a base, directories merge", local: F.local(F.a, F.directory(0o700)),
            remote: .live(directory), .merge(placement: .agreed, payload: .pull(F.directory()))),
        .init(
            "without a base, all equal", local: F.local(F.a, F.file(1)), remote: .live(base), .agreed),
    ]

    @Test(arguments: existence) func `existence is decided by the table`(_ row: PlannerCase) {
        #expect(Planner.plan(base: row.base, local: row.local, remote: row.remote) == row.plan)
    }

    @Test(arguments: placements) func `placement is decided by the table`(_ row: PlannerCase) {
        #expect(Planner.plan(base: row.base, local: row.local, remote: row.remote) == row.plan)
    }

    @Test(arguments: payloads) func `payload is decided by the table`(_ row: PlannerCase) {
        #expect(Planner.plan(base: row.base, local: row.local, remote: row.remote) == row.plan)
    }

    // Properties over every combination of a small world.

    private static let placementsOfWorld = [F.a, F.b, F.c]
    private static let payloadsOfWorld = [
        F.file(1), F.file(2), F.file(3), F.file(1, mode: 0o600), F.file(2, at: 9),
    ]

    private static func world() -> [(base: NodeState?, local: LocalView?, remote: RemoteState?)] {
        var locals: [LocalView?] = [nil]
        var states: [NodeState] = []
        for placement in placementsOfWorld {
            for payload in payloadsOfWorld {
                locals.append(F.local(placement, payload))
                for placed in [1, 2] as [UInt64] {
                    for changed in [1, 2] as [UInt64] {
                        states.append(F.state(placement, payload, placed: placed, changed: changed))
                    }
                }
            }
        }
        let bases: [NodeState?] =
            [nil]
            + placementsOfWorld.prefix(2).flatMap { placement in
                payloadsOfWorld.map { F.state(placement, $0) }
            }
        let remotes: [RemoteState?] = [nil, .removed(Revision(9))] + states.map { .live($0) }
        return bases.flatMap { base in
            locals.flatMap { local in remotes.map { (base, local, $0) } }
        }
    }

    @Test func `carrying out a plan leads to agreement within three rounds`() {
        for var (base, local, remote) in Self.world() {
            var rounds = 0
            while rounds < 3 {
                let plan = Planner.plan(base: base, local: local, remote: remote)
                if plan == .agreed || plan == .forget || plan == .revive { break }
                Outcome.carryOut(plan, &base, &local, &remote)
                rounds += 1
            }
            let last = Planner.plan(base: base, local: local, remote: remote)
            #expect(last == .agreed || last == .forget || last == .revive)
        }
    }

    @Test func `no plan gives up a content that only the folder has`() {
        for (base, local, remote) in Self.world() {
            guard let content = local?.payload.content else { continue }
            let isKnown = content == base?.payload.content || content == remote?.state?.payload.content
            guard !isKnown else { continue }
            switch Planner.plan(base: base, local: local, remote: remote) {
            case .create, .revive, .merge(_, .push), .merge(_, .conflict): break
            case .merge(_, .pull(let payload)): #expect(payload.content == content)
            case let plan: Issue.record("\(plan) gives up what only the folder has")
            }
        }
    }

    @Test func `no plan removes from the hub what the folder never agreed to`() {
        for (base, local, remote) in Self.world() {
            guard Planner.plan(base: base, local: local, remote: remote) == .remove else { continue }
            #expect(base != nil && local == nil)
            #expect(base?.placementRevision == remote?.state?.placementRevision)
            #expect(base?.payloadRevision == remote?.state?.payloadRevision)
        }
    }

    @Test func `nothing is discarded that was edited or moved`() {
        for (base, local, remote) in Self.world() {
            guard Planner.plan(base: base, local: local, remote: remote) == .discard else { continue }
            #expect(local?.placement == base?.placement)
            #expect(local?.payload.content == base?.payload.content)
        }
    }
}

/// What a plan's success does to the three states.
private enum Outcome {
    static func carryOut(
        _ plan: NodePlan, _ base: inout NodeState?, _ local: inout LocalView?, _ remote: inout RemoteState?
    ) {
        switch plan {
        case .forget, .revive: break
        case .create:
            guard let view = local else { return }
            remote = .live(F.state(view.placement, view.payload, placed: 20, changed: 20))
        case .remove: remote = .removed(Revision(20))
        case .fetch:
            guard let state = remote?.state else { return }
            local = F.local(state.placement, state.payload)
            base = state
        case .discard:
            local = nil
            base = nil
        case .merge(let placement, let payload): merge(placement, payload, &base, &local, &remote)
        }
    }

    private static func merge(
        _ placement: PlacementPlan, _ payload: PayloadPlan, _ base: inout NodeState?,
        _ local: inout LocalView?, _ remote: inout RemoteState?
    ) {
        guard var view = local, var state = remote?.state else { return }
        var agreed = base ?? state
        switch placement {
        case .agreed: break
        case .push:
            state.placement = view.placement
            state.placementRevision = Revision(20)
        case .pull:
            view.placement = state.placement
            agreed.placement = state.placement
            agreed.placementRevision = state.placementRevision
        }
        switch payload {
        case .agreed: break
        case .push:
            state.payload = view.payload
            state.payloadRevision = Revision(20)
        case .pull(let wanted):
            view.payload = wanted
            agreed.payload = state.payload
            agreed.payloadRevision = state.payloadRevision
        case .conflict:
            view.payload = state.payload
            agreed.payload = state.payload
            agreed.payloadRevision = state.payloadRevision
        }
        local = view
        remote = .live(state)
        base = agreed
    }
}
