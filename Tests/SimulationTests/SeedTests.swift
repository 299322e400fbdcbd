// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

/// The engines of the programs in a world of simulated disks, networks, clocks and crashes, one seed a run.
@Suite struct SeedTests {
    /// Seeds go in blocks, so that several run at once and a failure names its block.
    private static let blocks = 20
    private static let seedsOfBlock: UInt64 = 100

    @Test(arguments: 0..<blocks)
    func `every seed converges, loses nothing and brings nothing back`(_ block: Int) async {
        let first = UInt64(block) * Self.seedsOfBlock + 1
        for seed in first..<first + Self.seedsOfBlock {
            let outcome = await apart { Simulation.run(seed: seed) }
            #expect(
                outcome.violation == nil, "to see it again: make simulate ARGUMENTS='--replay \(seed)'")
            #expect(outcome.events > 0)
        }
    }

    @Test(arguments: 0..<10)
    func `two machines that change apart agree when they meet`(_ block: UInt64) async {
        for seed in block * 10 + 1...block * 10 + 10 {
            let outcome = await apart { Simulation.run(seed: seed, isPlanning: true) }
            #expect(
                outcome.violation == nil,
                "to see it again: make simulate ARGUMENTS='--planner --replay \(seed)'")
            #expect(outcome.events > 0)
        }
    }

    /// Seeds that found mistakes: names that are exchanged while a directory goes, one that is revived at a
    /// passing name, a look that fails while a file is to be read; a file that is renamed over another and
    /// back, placements and removals that a power cut made the agent forget, a directory that new rules leave
    /// out before it could be seen; names of conflict copies that a disk cannot tell apart, what is new in
    /// a removed directory beside one that such a disk holds up, and a passing name that was told; two who
    /// rename a file over different others, and one who does so over a file that he had just changed; a
    /// directory that moved while its former place could not be looked at, a passing name that new rules
    /// would leave out, a file that had two names one after the other and is removed elsewhere, and one that
    /// waits for what is left out after its step failed; a file that was saved in a directory which went and
    /// came back, a directory that could not be looked through before a step moved it, and one that is left
    /// out while something is placed in it; a file that is renamed over another one and back while others
    /// change both.
    @Test(
        arguments: [
            (90_231, true), (94_942, true), (5152, true), (14_419, false), (49_967, false), (43_715, false),
            (45_322, false), (789, false), (2282, false), (53_130, true),
            (91_008, true), (38_727, true), (68_911, true), (92_858, true), (203_528, true),
            (20_992, false), (71_534, false), (767, false), (12_696, false),
            (23_689, false), (52_099, false), (79_064, false), (17_819, false),
            (1928, false), (52_126, true), (76_696, true),
        ])
    func `what was found once is not found again`(_ seed: UInt64, _ isPlanning: Bool) async {
        let outcome = await apart { Simulation.run(seed: seed, isPlanning: isPlanning) }
        #expect(outcome.violation == nil)
        #expect(outcome.events > 0)
    }

    @Test func `a seed determines everything`() async {
        for seed in 1...25 as ClosedRange<UInt64> {
            let first = await apart { Simulation.run(seed: seed) }
            let second = await apart { Simulation.run(seed: seed) }
            #expect(first.digest == second.digest)
            #expect(first.events == second.events)
        }
    }
}
