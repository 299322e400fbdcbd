// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl upload`: files and whole directories into the share.
struct Upload: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Put files or whole directories into the share.",
        discussion: """
            The bytes are read here and handed to the agent, so they may come from anywhere. Symbolic links \
            are skipped: upload what they point to instead.

            Examples:
              relay-ctl upload report.pdf                  as report.pdf
              relay-ctl upload ~/photos --to archive/2026  photos as archive/2026
              relay-ctl upload a.txt b.txt --to docs       docs/a.txt, docs/b.txt
              date | relay-ctl upload - --to stamp.txt     standard input
            """)

    @Argument(help: ArgumentHelp("What to upload; - is standard input.", valueName: "path"))
    var paths: [String]

    @Option(
        help: ArgumentHelp(
            """
            The name in the share (default: the last name of the path). With several paths, or with a slash \
            at its end, it is the directory to put them in.
            """, valueName: "name"))
    var to: String?

    @OptionGroup var options: SessionOptions

    func run(in session: Session) async throws {
        var uploading = Uploading(session: session)
        for path in paths.map(RawText.bytes) {
            if path == [0x2d] {
                try await uploading.uploadStandardInput(as: standardInputName())
            } else {
                try await uploading.upload(path, as: target(of: path))
            }
        }
        try uploading.finish()
    }

    private func standardInputName() throws(ControlError) -> RelativePath {
        guard let to, paths.count == 1 else {
            throw .usage("standard input needs --to NAME, and to be alone")
        }
        return try RelativePath(typed: RawText.bytes(to))
    }

    private func target(of path: [UInt8]) throws(ControlError) -> RelativePath {
        guard let name = LocalTree.name(of: path) else {
            throw .usage("\(displayText(path)) has no name: say one with --to")
        }
        guard let to else { return RelativePath([name]) }
        let bytes = RawText.bytes(to)
        if paths.count == 1, bytes.last != 0x2f { return try RelativePath(typed: bytes) }
        return try RelativePath(typedOrRoot: bytes).appending(name)
    }
}
