// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The built programs, found beside the test bundle or where `RELAY_BIN` says.
enum Programs {
    static func path(_ name: String) throws -> String {
        for directory in candidates() {
            let path = directory + "/" + name
            if access(path, X_OK) == 0 { return path }
        }
        throw TestFailure("\(name) is not built: looked in \(candidates().joined(separator: ", "))")
    }

    private static func candidates() -> [String] {
        var directories: [String] = []
        if let given = ProcessInfo.processInfo.environment["RELAY_BIN"] { directories.append(given) }
        for argument in CommandLine.arguments where argument.hasSuffix(".xctest") {
            directories.append((argument as NSString).deletingLastPathComponent)
        }
        directories.append((CommandLine.arguments[0] as NSString).deletingLastPathComponent)
        return directories
    }
}

struct TestFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// What a program that ended left behind.
struct ProgramResult {
    /// The exit code; of a program that a signal ended, minus the signal's number.
    var status: Int32
    var output: String
    var errors: String
}

/// One run of a program, its output collected in files.
final class ProgramRun {
    private let process = Process()
    private let outputPath: String
    private let errorPath: String
    private var isCrashTold = false

    /// The signals of programs that crash; no test sends them.
    private static let crashes = [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP]

    /// `variables` are added to the environment; `wrapper` is a command that becomes the program.
    init(
        _ name: String, _ arguments: [String], in directory: String, variables: [String: String] = [:],
        wrapper: [String] = []
    ) throws {
        let id = UUID().uuidString.prefix(8)
        outputPath = "\(directory)/\(name)-\(id).out"
        errorPath = "\(directory)/\(name)-\(id).err"
        let command = wrapper + [try Programs.path(name)] + arguments
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.standardInput = FileHandle.nullDevice
        if !variables.isEmpty {
            process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        }
        process.standardOutput = try Self.open(outputPath)
        process.standardError = try Self.open(errorPath)
        try process.run()
    }

    /// A test that failed on its way does not leave it behind.
    deinit {
        if process.isRunning { signal(SIGKILL) } else { tellCrash() }
    }

    private static func open(_ path: String) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw TestFailure("cannot create \(path)") }
        return handle
    }

    var processID: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "" }
    var errors: String { (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? "" }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits until the program has ended. To crash is a failure of the test, whatever it expects.
    func waitForEnd() -> ProgramResult {
        process.waitUntilExit()
        tellCrash()
        let status = process.terminationStatus
        return ProgramResult(
            status: process.terminationReason == .uncaughtSignal ? -status : status, output: output,
            errors: errors)
    }

    /// Says once by which signal a program ended that crashed: one whose stack was used up, say, could say
    /// nothing itself.
    private func tellCrash() {
        guard !isCrashTold, process.processIdentifier > 0, !process.isRunning,
            process.terminationReason == .uncaughtSignal, Self.crashes.contains(process.terminationStatus)
        else { return }
        isCrashTold = true
        let command =
            (process.executableURL?.path ?? "") + " " + (process.arguments ?? []).joined(separator: " ")
        let name = strsignal(process.terminationStatus).map { String(cString: $0) } ?? ""
        Issue.record(
            """
            \(command) (process \(processID)) crashed: signal \(process.terminationStatus) (\(name)); \
            output: “\(output)”; errors: “\(errors)”
            """)
    }

    /// Ends the program as a service manager would; kills it if it does not go in ten seconds.
    @discardableResult
    func end() -> ProgramResult {
        if process.isRunning {
            process.terminate()
            // One that was stopped ends as well.
            signal(SIGCONT)
            let deadline = Date(timeIntervalSinceNow: 10)
            while process.isRunning, Date() < deadline { usleep(2000) }
            if process.isRunning { signal(SIGKILL) }
        }
        return waitForEnd()
    }

    /// Waits until the output has a line that begins so, and gives the line.
    func waitForLine(containing text: String, seconds: Double = 20) throws -> String {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while Date() < deadline {
            if let line = output.split(separator: "\n").first(where: { $0.contains(text) }) {
                return String(line)
            }
            guard process.isRunning else { break }
            usleep(2000)
        }
        throw TestFailure("no line with “\(text)”; output: \(output); errors: \(errors)")
    }
}
