// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension Rendering {
    func text(_ report: DepartureReport) -> [String] {
        var lines = [
            "left \(shown(report.share)): \(shown(report.path)) stays as it is, and is not synced any more"
        ]
        lines += report.returned.map { "put back, as it may hold what nobody has seen: \(shown($0))" }
        if let remark = report.remark { lines.append(remark) }
        if let untold = report.untold {
            lines.append(
                "the hub does not know that this device has left (\(untold)): relay-server revoke tells it"
                    + " there"
            )
        }
        return lines
    }
}
