// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayCore
import RelayProgram

@main struct Main {
    static func main() async { await Program.main(RelayCtl.self, arranging: LeadingOptions.movedBehindVerb) }
}

/// `relay-ctl`: a thin client of a running agent.
struct RelayCtl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay-ctl",
        abstract: "A hand on a running agent: put files into the share, fetch them, ask how things are.",
        discussion: """
            Examples:
              relay-ctl status                     is all in sync, and if not, why?
              relay-ctl upload report.pdf photos   a file and a whole directory
              relay-ctl download photos/cat.jpg -o .   a copy, from wherever it is
              relay-ctl wait --timeout 60          until all is in sync
              echo DOWNLOAD@notes.txt | relay-ctl shell

            Exit codes: 0 done, 1 failed, 2 usage, 3 not in sync, 5 not found, 6 refused, 7 no agent or hub \
            reached, 8 timed out, 9 verification found differences.
            """,
        version: "relay-ctl \(RelayVersion.text)",
        subcommands: [
            Upload.self, Download.self, Delete.self, List.self, Status.self, Wait.self,
            Verify.self, Ignore.self, Confirm.self, Reject.self, Leave.self, Shell.self,
        ])
}
