// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore

extension Agent {
    /// The folder's status, as scripts get it.
    func report() throws -> FolderReport {
        let result = try control("status", "--json")
        guard result.status == 0,
            let folder = try JSONDecoder().decode(AgentReport.self, from: Data(result.output.utf8)).folders
                .first
        else { throw TestFailure("no status of \(name): \(result.errors)") }
        return folder
    }

    /// Waits until the status is as wanted.
    @discardableResult
    func waitForReport(
        _ what: String, seconds: Double = 30, _ condition: (FolderReport) -> Bool
    ) throws -> FolderReport {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while true {
            let report = try report()
            if condition(report) { return report }
            guard Date() < deadline else { throw TestFailure("in vain: \(what): \(report)") }
            usleep(50_000)
        }
    }

    /// Waits until a path is not in sync for this cause.
    @discardableResult
    func waitForCause(_ cause: Hindrance, of path: String) throws -> PathReport {
        let report = try waitForReport("\(path) is \(cause)") { report in
            report.problems.contains { $0.path == path && $0.cause == cause }
        }
        guard let found = report.problems.first(where: { $0.path == path && $0.cause == cause }) else {
            throw TestFailure("\(path) is not \(cause): \(report)")
        }
        return found
    }

    /// Paths for which nothing is being done.
    func idlePaths() throws -> Set<String> {
        let report = try report()
        guard report.state == .syncing else { return [] }
        return Set(report.problems.filter { $0.cause == .queued || $0.cause == .stuck }.map(\.path))
    }

    /// Compares everything: the exit code, and what was found.
    func verify() throws -> (status: Int32, report: VerificationReport) {
        let result = try control("verify", "--json")
        guard
            let report = try JSONDecoder().decode(
                [VerificationReport].self, from: Data(result.output.utf8)
            ).first
        else { throw TestFailure("no comparison of \(name): \(result.errors)") }
        return (result.status, report)
    }
}
