// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Glibc
import RelayCore

/// What every program does around its commands: read arguments, run, say what went wrong in one line, exit.
///
/// Exit codes are those of `ControlError`; what ArgumentParser refuses is 2, help and version are 0.
package enum Program {
    /// Runs the command that the arguments ask for, and exits. A closed pipe is an error, not a signal.
    ///
    /// `arranging` may put the arguments into the order that the parser wants.
    package static func main<Root: AsyncParsableCommand>(
        _ root: Root.Type, arranging: ([String]) -> [String] = { $0 }
    ) async -> Never {
        HeapLimits.apply()
        DescriptorLimit.raise()
        #if DEBUG
            FailpointSwitch.apply()
        #endif
        signal(SIGPIPE, SIG_IGN)
        let name = root.configuration.commandName ?? CommandLine.arguments.first ?? "relay"
        let arguments = rawArguments().dropFirst().map { RawText.text($0) }
        exit(await run(root, arguments: arranging(arguments), name: name))
    }

    /// Runs one command and reports its error as `NAME: …`; returns the exit code.
    package static func run<Root: AsyncParsableCommand>(
        _ root: Root.Type, arguments: [String], name: String
    ) async -> Int32 {
        do {
            var command = try root.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch {
            return report(error, root: root, name: name)
        }
    }

    /// Says on standard error (help and version: standard output) what an error means; returns the exit code.
    /// `advice` is what to try after a usage error.
    package static func report<Root: ParsableCommand>(
        _ error: any Error, root: Root.Type, name: String, advice: String? = nil
    ) -> Int32 {
        if let error = error as? ControlError {
            Terminal.complain("\(name): \(error.message)")
            return error.exitCode
        }
        if let code = error as? ExitCode { return code.rawValue }
        let code = root.exitCode(for: error)
        if code.isSuccess {
            Terminal.print(root.fullMessage(for: error))
            return 0
        }
        guard code == .validationFailure else {
            Terminal.complain("\(name): \(root.message(for: error))")
            return 1
        }
        Terminal.complain("\(name): \(lowercasedFirst(root.message(for: error)))")
        Terminal.complain("try: \(advice ?? "\(name) --help")")
        return ControlError.usage("").exitCode
    }

    private static func lowercasedFirst(_ text: String) -> String {
        text.prefix(1).lowercased() + text.dropFirst()
    }

    /// The arguments as bytes, the program's name first.
    private static func rawArguments() -> [[UInt8]] {
        (0..<Int(CommandLine.argc)).compactMap { index in
            CommandLine.unsafeArgv[index].map { text in
                Array(UnsafeBufferPointer(start: text, count: strlen(text))).map(UInt8.init(bitPattern:))
            }
        }
    }
}
