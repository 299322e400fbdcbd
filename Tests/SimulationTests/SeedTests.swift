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

    @Test func `a seed determines everything`() async {
        for seed in 1...25 as ClosedRange<UInt64> {
            let first = await apart { Simulation.run(seed: seed) }
            let second = await apart { Simulation.run(seed: seed) }
            #expect(first.digest == second.digest)
            #expect(first.events == second.events)
        }
    }
}
