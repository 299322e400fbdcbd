// SPDX-License-Identifier: Apache-2.0

import RelaySimulation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What was asked for on the command line.
struct SimulateArguments {
    struct Wrong: Error {
        var text: String
    }

    var seeds: UInt64 = 1000
    var first: UInt64 = 1
    var agents: Int?
    var steps: Int?
    var isVerbose = false
    /// Whether worlds are cases for the planner instead of everything at once.
    var isPlanning = false
    var replay: UInt64?
    /// After so many violations the run ends; the trace is shown if it is one.
    var failureLimit = 1

    static let usage = """
        usage: relay-simulate [--planner] [--seeds N] [--first SEED] [--agents 2..4] [--steps N]
                              [--failures N] [--verbose] [--replay SEED]

        --planner: worlds of two machines that change apart and meet again, ten times each
        """

    init(parsing arguments: some Sequence<String>) throws(Wrong) {
        var rest = Array(arguments)[...]
        while let option = rest.popFirst() {
            switch option {
            case "--seeds": seeds = try Self.number(&rest, option)
            case "--first": first = try Self.number(&rest, option)
            case "--agents":
                agents = try Self.number(&rest, option)
                guard (2...4).contains(agents ?? 0) else { throw Wrong(text: "--agents takes 2 to 4") }
            case "--steps": steps = try Self.number(&rest, option)
            case "--failures": failureLimit = try Self.number(&rest, option)
            case "--verbose": isVerbose = true
            case "--planner": isPlanning = true
            case "--replay": replay = try Self.number(&rest, option)
            default: throw Wrong(text: Self.usage)
            }
        }
    }

    private static func number<Number: FixedWidthInteger>(
        _ rest: inout ArraySlice<String>, _ option: String
    ) throws(Wrong) -> Number {
        guard let text = rest.popFirst(), let number = Number(text) else {
            throw Wrong(text: "\(option) takes a number\n\(usage)")
        }
        return number
    }

    /// The options that a replay needs as well.
    var shape: String {
        (isPlanning ? "--planner " : "") + (agents.map { "--agents \($0) " } ?? "")
            + (steps.map { "--steps \($0) " } ?? "")
    }

    func run(_ seed: UInt64, traceLimit: Int) -> Simulation.Outcome {
        Simulation.run(
            seed: seed, steps: steps, agents: agents, isPlanning: isPlanning, traceLimit: traceLimit)
    }
}

/// Who follows a long run in a file sees how far it is.
func flushOutput() { fflush(nil) }

func exitProgram(_ code: Int32) -> Never { exit(code) }
