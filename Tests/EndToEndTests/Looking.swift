// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore

/// Waits until the condition holds.
func within(
    _ seconds: Double, _ what: String = "", file: StaticString = #fileID, line: Int = #line,
    _ condition: () throws -> Bool
) throws {
    guard try !holds(within: seconds, condition) else { return }
    throw TestFailure("\(file):\(line): not within \(seconds) s\(what.isEmpty ? "" : ": " + what)")
}

/// Whether the condition holds at some moment until the time is over.
func holds(within seconds: Double, _ condition: () throws -> Bool) throws -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while try !condition() {
        guard Date() < deadline else { return false }
        usleep(20_000)
    }
    return true
}

/// Sees to it that the condition holds all the while.
func throughout(
    _ seconds: Double, file: StaticString = #fileID, line: Int = #line, _ condition: () throws -> Bool
) throws {
    let end = Date(timeIntervalSinceNow: seconds)
    repeat {
        guard try condition() else {
            throw TestFailure("\(file):\(line): did not hold for all of \(seconds) s")
        }
        usleep(100_000)
    } while Date() < end
}

extension ProgramRun {
    /// Whether the program is stopped by a signal.
    var isHalted: Bool { statusFields.first == "T" }

    /// The seconds of processor time that it has used.
    var processorSeconds: Double { Self.processorSeconds(of: processID) }

    /// The processes that it started.
    var children: [Int32] {
        let path = "/proc/\(processID)/task/\(processID)/children"
        let direct = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        guard direct.isEmpty else { return direct.split(separator: " ").compactMap { Int32($0) } }
        // Started by another of its threads.
        let all = try? Shell.run("cat /proc/\(processID)/task/*/children")
        return (all ?? "").split(separator: " ").compactMap { Int32($0) }
    }

    static func processorSeconds(of process: Int32) -> Double {
        let fields = statusFields(of: process)
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            return 0
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private var statusFields: [Substring] { Self.statusFields(of: processID) }

    /// The fields of `/proc/PID/stat` after the program's name.
    private static func statusFields(of process: Int32) -> [Substring] {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return [] }
        return text[end...].dropFirst().split(separator: " ")
    }
}

extension Agent {
    /// Starts the program, which stops itself at the failpoint, and waits until it has.
    func launch(stoppingAt failpoint: String) throws {
        try launch([], ["RELAY_FAILPOINT": failpoint, "RELAY_FAILPOINT_ACTION": "stop"])
        guard let run else { return }
        try within(20, "\(failpoint) is reached; \(run.errors)") { run.isHalted }
    }

    /// Lets it go on, after SIGSTOP.
    func resume() throws {
        run?.signal(SIGCONT)
        _ = try run?.waitForLine(containing: "serving")
    }

    /// What it says of its folder.
    func status() throws -> FolderReport {
        let result = try control("status", "--json")
        let report = try JSONDecoder().decode(AgentReport.self, from: Data(result.output.utf8))
        guard let folder = report.folders.first else { throw TestFailure("no folder: \(result.output)") }
        return folder
    }

    /// How many watches the kernel keeps for it.
    func watchCount() throws -> Int {
        guard let run else { return 0 }
        let processes = ([run.processID] + run.children).map { "/proc/\($0)/fdinfo/*" }
        let text = try Shell.run(
            "cat \(processes.joined(separator: " ")) 2>/dev/null | grep -c ^inotify || true")
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    /// How many names there are in a directory; none if there is no such directory.
    func count(_ path: String) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: folder + "/" + path).count) ?? 0
    }

    func has(_ path: String) -> Bool {
        (try? FileManager.default.attributesOfItem(atPath: folder + "/" + path)) != nil
    }

    /// The texts of all files by path.
    func texts() throws -> [String: String] {
        var texts: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder)
        where !path.hasPrefix(".relay") {
            texts[path] = read(path)
        }
        return texts
    }
}

extension Setup {
    /// The bytes of content that the hub keeps.
    func storedBytes() throws -> Int {
        let text = try Shell.run(
            "find \(hubData) -path '*/segments/*' -type f -printf '%s\\n' | awk '{ sum += $1 } END { print sum + 0 }'"
        )
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }
}
