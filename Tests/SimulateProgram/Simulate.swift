// SPDX-License-Identifier: Apache-2.0

import RelaySimulation

/// Runs seeds of the simulated world, and says how to run a bad one again.
@main
enum Simulate {
    static func main() {
        do {
            let arguments = try SimulateArguments(parsing: CommandLine.arguments.dropFirst())
            if let seed = arguments.replay {
                replay(seed, arguments)
            } else {
                runAll(arguments)
            }
        } catch {
            print(error.text)
            exitProgram(2)
        }
    }

    private static func replay(_ seed: UInt64, _ arguments: SimulateArguments) {
        let outcome = arguments.run(seed, traceLimit: 1_000_000)
        for line in outcome.trace { print(line) }
        print(summary(outcome))
        if outcome.violation != nil { exitProgram(1) }
    }

    private static func runAll(_ arguments: SimulateArguments) {
        let clock = ContinuousClock()
        let start = clock.now
        var lastReport = start
        var digest: UInt64 = 0
        var failures = 0
        var events = 0
        for offset in 0..<arguments.seeds {
            let seed = arguments.first &+ offset
            let outcome = arguments.run(seed, traceLimit: 0)
            digest = (digest &* 31) ^ outcome.digest
            events += outcome.events
            if arguments.isVerbose { print(summary(outcome)) }
            if outcome.violation != nil {
                failures += 1
                report(outcome, arguments)
                flushOutput()
                if failures >= arguments.failureLimit { break }
            }
            let now = clock.now
            if lastReport.duration(to: now) > .seconds(10) {
                lastReport = now
                print(progress(offset + 1, start.duration(to: now)))
                flushOutput()
            }
        }
        print(progress(arguments.seeds, start.duration(to: clock.now)), terminator: "")
        print(", \(events) events, \(failures) violations, digest \(String(digest, radix: 16))")
        if failures > 0 { exitProgram(1) }
    }

    private static func report(_ outcome: Simulation.Outcome, _ arguments: SimulateArguments) {
        print(summary(outcome))
        if arguments.failureLimit == 1 {
            for line in arguments.run(outcome.seed, traceLimit: 60).trace { print("    \(line)") }
        }
        print("    again: relay-simulate \(arguments.shape)--replay \(outcome.seed)")
    }

    private static func summary(_ outcome: Simulation.Outcome) -> String {
        let verdict = outcome.violation.map { "\($0)" } ?? "fine"
        return "seed \(outcome.seed): \(outcome.events) events, \(outcome.revisions) revisions, "
            + "\(outcome.milliseconds) ms, digest \(String(outcome.digest, radix: 16)): \(verdict)"
    }

    private static func progress(_ seeds: UInt64, _ time: Duration) -> String {
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        return "\(seeds) seeds, \(Int(Double(seeds) / max(seconds, 0.001))) a second"
    }
}
