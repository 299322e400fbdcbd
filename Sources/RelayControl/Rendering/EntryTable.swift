// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension Rendering {
    func table(_ entries: [EntryReport]) -> [String] {
        var table = Table([
            .init("STATE"), .init("MODE"), .init("SIZE", isNumber: true), .init("MODIFIED (UTC)"),
            .init("PATH"),
        ])
        for entry in entries {
            let time = entry.modified.flatMap { Timestamp(decimalText: $0) }
            table.add([
                entry.state.rawValue, entry.mode ?? "-", entry.sizeBytes.map(humanSize) ?? "-",
                time.map { humanTime(seconds: $0.seconds) } ?? "-", entry.path + mark(entry.kind),
            ])
        }
        return table.lines
    }

    /// What is put behind a name to tell kinds apart, as `ls -F` does.
    private func mark(_ kind: String) -> String {
        switch kind {
        case "directory": "/"
        case "symlink": "@"
        default: ""
        }
    }
}
