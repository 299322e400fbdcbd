// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl shell`: verbs line by line, the classic ones among them.
struct Shell: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Read verbs line by line, from a terminal or a pipe.",
        discussion: """
            Understands the classic lines UPLOAD@name, DOWNLOAD@name and DELETE@name, and all verbs of \
            relay-ctl with quotes as in a shell. A line that fails prints its error, and the next one is read.

            Examples:
              relay-ctl shell
              printf 'UPLOAD@notes.txt\\nDOWNLOAD@photos/cat.jpg\\n' | relay-ctl shell

            Exit code: from a pipe, that of the last line that failed; 0 if none did.
            """)

    static let help = """
        UPLOAD@name           put ./name into the share as name
        DOWNLOAD@name         bring name into the shared folder, and say where it is
        DELETE@name           remove name from the share
        upload PATH… [--to NAME]
        download NAME [-o DEST] [--timeout SECONDS]
        delete NAME
        list [PATH] [--json]
        status [--json]
        wait [--timeout SECONDS]
        verify [--json]
        help, quit
        """

    @OptionGroup var options: SessionOptions

    func run(in session: Session) async throws {
        let isInteractive = Terminal.isInteractive
        let input = StandardInputLines()
        var lastFailure: Int32 = 0
        while true {
            if isInteractive { Terminal.put("relay> ") }
            guard let line = await input.next() else { break }
            if Task.isCancelled { throw CancellationError() }
            let outcome = await ShellRun(session: session).run(line)
            if case .quit = outcome { break }
            if case .failed(let code) = outcome { lastFailure = code }
        }
        if lastFailure != 0, !isInteractive { throw ExitCode(lastFailure) }
    }
}
