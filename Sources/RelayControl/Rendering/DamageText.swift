// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension Rendering {
    func text(_ report: HubVerificationReport) -> [String] {
        let verdict =
            switch report.damaged {
            case 0: "nothing is damaged"
            case 1: "1 chunk is damaged"
            default: "\(report.damaged) chunks are damaged"
            }
        var lines = [
            "\(shown(report.share)): \(verdict) (\(report.chunks) chunks with \(humanSize(report.bytes)))"
        ]
        if report.released > 0 {
            lines.append("  \(report.released) that could not be read before are whole")
        }
        if let reason = report.reason {
            lines.append("  \(report.unreadable) could not be read: \(shown(reason))")
        }
        return lines + (report.damage.map(text) ?? [])
    }

    /// What is damaged, for a share.
    func text(_ damage: HubDamageReport) -> [String] {
        var lines: [String] = []
        if damage.healed > 0 { lines.append("  \(damage.healed) damaged chunks were brought anew") }
        guard damage.missing > 0 else { return lines }
        lines.append("  \(damage.missing) damaged chunks are missing until a device brings them:")
        for chunk in damage.chunks {
            let path = chunk.path.map(shown) ?? (chunk.content == nil ? "unknown" : "a past version")
            let devices =
                chunk.devices.isEmpty ? "" : ", committed by \(chunk.devices.joined(separator: ", "))"
            lines.append("    \(path)\(devices)")
            lines.append("      at \(chunk.offset) of \(shown(chunk.segment)), chunk \(chunk.chunk)")
        }
        if damage.missing > damage.chunks.count {
            lines.append("    and \(damage.missing - damage.chunks.count) more")
        }
        return lines
    }
}
