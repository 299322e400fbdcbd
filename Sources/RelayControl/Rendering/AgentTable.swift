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
        if folder.watchOverflows > 0 {
            let times = folder.watchOverflows == 1 ? "1 time" : "\(folder.watchOverflows) times"
            lines.append(
                "\(shown(folder.path)): the watcher was overrun by changes \(times), and all was looked"
                    + " through"
            )
        }
        lines += verification(folder)
        if !folder.problems.isEmpty {
            lines.append("not in sync in \(shown(folder.path)):")
            lines += folder.problems.map { "  \($0.path): \($0.reason)\(progress($0))" }
        }
        return lines.isEmpty ? [] : [""] + lines
    }

    private func verification(_ folder: FolderReport) -> [String] {
        let standing = folder.verification
        guard let seconds = standing.finished.flatMap({ Int64($0) }), standing.differences > 0 else {
            return []
        }
        let count = standing.differences == 1 ? "1 difference" : "\(standing.differences) differences"
        return [
            "\(shown(folder.path)): verification found \(count) on \(humanTime(seconds: seconds)) UTC;"
                + " relay-ctl verify tells what differs now"
        ]
    }

    private func progress(_ path: PathReport) -> String {
        guard let size = path.sizeBytes, let received = path.receivedBytes else { return "" }
        return ", \(humanSize(received)) of \(humanSize(size)) came"
    }
}

/// How many digits of a device's id are shown to people.
let shortIDDigits = 12
