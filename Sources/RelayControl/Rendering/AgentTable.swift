// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension Rendering {
    func table(_ report: AgentReport) -> [String] {
        let id = report.deviceID.prefix(shortIDDigits)
        let head = "\(shown(report.device)) (device \(id), version \(report.version))"
        guard !report.folders.isEmpty else { return [head, "no folders"] }
        var table = Table([
            .init("FOLDER"), .init("SHARE"), .init("STATE"), .init("PENDING", isNumber: true),
            .init("REVISION", isNumber: true), .init("HUB"),
        ])
        for folder in report.folders {
            table.add([
                shown(folder.path), shown(folder.share), folder.state.rawValue, "\(folder.pending)",
                "\(folder.revision)", shown(folder.hub),
            ])
        }
        return [head, ""] + table.lines + report.folders.flatMap(remarks)
    }

    /// What a person should know of a folder beyond its row.
    private func remarks(_ folder: FolderReport) -> [String] {
        var lines: [String] = []
        if let reason = folder.reason {
            lines.append("\(shown(folder.path)) is \(folder.state.rawValue): \(reason)")
        }
        if folder.polledDirectories > 0 {
            lines.append(
                "\(shown(folder.path)): \(folder.polledDirectories) directories are not watched but polled"
            )
        }
        if !folder.problems.isEmpty {
            lines.append("not in sync in \(shown(folder.path)):")
            lines += folder.problems.map { "  \($0.path): \($0.reason)" }
        }
        return lines.isEmpty ? [] : [""] + lines
    }
}

/// How many digits of a device's id are shown to people.
let shortIDDigits = 12
