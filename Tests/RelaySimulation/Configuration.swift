// SPDX-License-Identifier: Apache-2.0

/// What one seed's world is like: all of it follows from the seed.
package struct Configuration: Sendable {
    /// What a run is meant to show.
    package enum Family: String, Sendable {
        /// Everybody edits, everything fails.
        case general
        /// One user edits: nothing can conflict, so nothing may be called a conflict.
        case singleEditor
        /// Once all is in sync, one thing is deleted: it must not come back.
        case deletion
        /// Two machines that are in sync change apart from each other, and meet again: nothing fails, and
        /// every round is a case for the planner. Never drawn, only asked for.
        case planning
    }

    package enum HubStore: String, Sendable {
        case everything, nothing, little
    }

    package var seed: UInt64
    package var family: Family
    package var agents: Int
    package var rounds: Int
    /// User operations a round.
    package var steps: Int
    /// Milliseconds between operations of all users together, on average.
    var pace: Int
    var latency: ClosedRange<Int>
    var diskDelay: ClosedRange<Int>
    var hintDelay: ClosedRange<Int>
    var stageDelay: ClosedRange<Int>
    var granularity: Int64
    var seesWriters: Bool
    var store: HubStore
    /// How many names the users choose from.
    var names: Int
    /// In a thousand new contents: how many need more than one chunk.
    var largeContents: Int
    /// Whether contents are used twice by the users (copies, the same bytes on two machines).
    var hasCopies: Bool
    // In a thousand.
    var hintLoss: Int
    var hintDisorder: Int
    var folderFailure: Int
    var hubCrashInCommit: Int
    /// Milliseconds between faults, on average; 0: none.
    var faultPace: Int
    /// Which faults occur, by their weights in the order of `Fault`.
    var faultWeights: [Int]
    /// Whether users write rules for what is left out of the share.
    var ignores: Bool
    /// Whether the last machine's disk takes names that differ in case for one.
    var foldsNames: Bool
    /// How many files wait to be told before agents look further; nil: as many as in the programs.
    var foundAhead: Int?
    /// Clocks of different machines differ by up to so many seconds.
    var skewSeconds: Int

    package init(seed: UInt64, steps: Int?, agents: Int?, isPlanning: Bool = false) {
        var random = SeededRandom(seed: seed)
        self.seed = seed
        switch random.below(8) {
        case 0: family = .singleEditor
        case 1: family = .deletion
        default: family = .general
        }
        self.agents = agents ?? random.within(2...4)
        rounds = family == .deletion ? 2 : random.within(1...3)
        let operations = steps ?? random.within(20...60)
        self.steps = max(1, operations / (family == .deletion ? 1 : rounds))
        pace = random.pick([1, 10, 60, 250]) ?? 10
        latency = random.pick([0...1, 1...20, 20...300]) ?? 0...1
        diskDelay = random.pick([0...0, 0...3, 0...40]) ?? 0...0
        hintDelay = random.pick([0...2, 1...30, 1...400]) ?? 0...2
        stageDelay = random.pick([0...2, 1...50, 10...800]) ?? 0...2
        granularity = random.pick([0, 0, 4, 10]) ?? 0
        seesWriters = !random.chance(200)
        store = random.pick([.everything, .everything, .everything, .nothing, .little]) ?? .everything
        names = random.within(2...6)
        largeContents = random.pick([0, 200, 500, 1000]) ?? 0
        hasCopies = random.chance(500)
        hintLoss = random.pick([0, 0, 100, 500]) ?? 0
        hintDisorder = random.pick([0, 0, 200]) ?? 0
        folderFailure = random.pick([0, 0, 20, 100]) ?? 0
        hubCrashInCommit = random.pick([0, 0, 20]) ?? 0
        faultPace = random.pick([0, 50, 300, 1500]) ?? 0
        faultWeights = Fault.allCases.map { _ in random.pick([0, 1, 1, 4]) ?? 1 }
        skewSeconds = random.pick([0, 0, 100, 31_000_000]) ?? 0
        // A source of its own: other seeds' worlds stay what they are.
        var rules = SeededRandom(seed: seed ^ 0x1690_5e37)
        ignores = family == .general && rules.chance(400)
        var folding = SeededRandom(seed: seed ^ 0xf01d_ca5e)
        foldsNames = family != .deletion && folding.chance(100)
        // Where a disk is slow, things change while they are looked at and while they are read.
        var slowness = SeededRandom(seed: seed ^ 0x510d_15c5)
        if slowness.chance(150) { diskDelay = 20...400 }
        var looking = SeededRandom(seed: seed ^ 0x100c_a4ea)
        if looking.chance(500) { foundAhead = looking.within(1...4) }
        // What one of two who have it loses, the other must still have.
        faultWeights[random.chance(500) ? Fault.hubRestore.index : Fault.powerCut.index] = 0
        if family != .general {
            for (index, fault) in Fault.allCases.enumerated() where fault.isAmnesia {
                faultWeights[index] = 0
            }
        }
        if isPlanning { becomePlanning(steps: steps, random: &random) }
    }

    /// The first round makes the trees that the others change.
    private mutating func becomePlanning(steps: Int?, random: inout SeededRandom) {
        family = .planning
        agents = 2
        rounds = 1 + Self.planningCases
        self.steps = steps ?? random.within(2...12)
        (pace, latency, diskDelay, hintDelay, stageDelay) = (0, 0...0, 0...0, 0...0, 0...0)
        (hintLoss, hintDisorder, folderFailure, hubCrashInCommit, faultPace) = (0, 0, 0, 0, 0)
        (granularity, skewSeconds, store, seesWriters) = (0, 0, .everything, true)
    }

    /// How many cases a planning world has.
    package static let planningCases = 10
}

/// What goes wrong for a moment. The order is that of `Configuration.faultWeights`.
enum Fault: CaseIterable {
    case cut, offline, agentCrash, powerCut, databaseLoss, hubCrash, spuriousRescan, stagingFailure,
        hubRestore

    var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// Whether an agent or the hub forgets what it knew: what it alone knew of the past is then gone.
    var isAmnesia: Bool { self == .powerCut || self == .databaseLoss || self == .hubRestore }
}
