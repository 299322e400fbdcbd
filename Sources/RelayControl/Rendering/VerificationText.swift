// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension Rendering {
    func text(_ report: VerificationReport) -> [String] {
        let extent =
            "\(report.records) entries of the hub at revision \(report.revision), "
            + "\(report.directories) directories, \(report.files) files with \(humanSize(report.bytes))"
        var lines = ["\(shown(report.path)): \(verdict(report)) (\(extent))"]
        for difference in report.differences {
            lines.append("  \(difference.path): \(difference.reason)")
            lines.append("    \(difference.outlook)")
        }
        if report.differenceCount > report.differences.count {
            lines.append("  and \(report.differenceCount - report.differences.count) more")
        }
        if let reason = report.hubSkipped {
            lines.append("  the hub's index was not compared: \(reason)")
        }
        if report.changing > 0 {
            lines.append("  \(report.changing) entries were being changed and were not compared")
        }
        lines += report.unreadable.map { "  \($0.path) was not compared: \($0.reason)" }
        return lines
    }

    private func verdict(_ report: VerificationReport) -> String {
        switch report.differenceCount {
        case 0: "nothing differs"
        case 1: "1 difference"
        default: "\(report.differenceCount) differences"
        }
    }
}
