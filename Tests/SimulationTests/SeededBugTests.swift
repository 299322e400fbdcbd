// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelaySimulation
import Testing

/// The simulator must notice when the engines or what surrounds them make a mistake: a check that finds
/// nothing proves nothing until it is known what it would find.
@Suite struct SeededBugTests {
    /// No mistake may hide for longer than so many seeds.
    private static let limitSeeds: UInt64 = 1000

    #if DEBUG
        @Test(arguments: SeededBug.allCases)
        func `a mistake that is made on purpose is found`(_ bug: SeededBug) async {
            for seed in 1...Self.limitSeeds {
                let violation = await apart {
                    SeededBug.$current.withValue(bug) { Simulation.run(seed: seed).violation }
                }
                guard let violation else { continue }
                print("\(bug): found by seed \(seed), as \(violation.invariant)")
                return
            }
            Issue.record("\(bug) was not found by \(Self.limitSeeds) seeds")
        }
    #endif
}
