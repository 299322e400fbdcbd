// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-ctl download`: a content from wherever it is.
struct Download: Verb {
    static let configuration = CommandConfiguration(
        abstract: "Fetch a file of the share from wherever it is: the folder, the hub, or another device.",
        discussion: """
            Without -o the file is brought into the shared folder, and its path there is printed.

            Examples:
              relay-ctl download photos/cat.jpg            into the shared folder
              relay-ctl download photos/cat.jpg -o /tmp    a copy as /tmp/cat.jpg
              relay-ctl download notes.txt -o - | wc -l    to standard output
            """)

    @Argument(help: ArgumentHelp("The file's name in the share.", valueName: "name"))
    var name: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Where to put a copy: a file, a directory, or - for standard output.",
            valueName: "dest"))
    var output: String?

    @Option(help: ArgumentHelp("Give up after so many seconds.", valueName: "seconds"))
    var timeout: Double?

    @OptionGroup var options: SessionOptions

    func validate() throws { try TimeoutText.check(timeout) }

    func run(in session: Session) async throws {
        let path = try RelativePath(typed: RawText.bytes(name))
        try await WaitingNotice.telling(of: path, in: session) {
            guard let output else {
                let place = try await session.client.download(
                    share: session.share, path: path, timeoutSeconds: timeout)
                Terminal.print(place)
                return
            }
            try await copy(path, to: RawText.bytes(output), in: session)
        }
    }

    private func copy(_ path: RelativePath, to output: [UInt8], in session: Session) async throws {
        guard let name = path.name else { throw ControlError.usage("a name is missing") }
        var target: (file: DownloadFile, head: ContentHead)?
        try await session.client.read(
            share: session.share, path: path, timeoutSeconds: timeout,
            open: { head throws(ControlError) in
                target = (try DownloadFile(destination: output, name: name), head)
            },
            take: { bytes throws(ControlError) in try target?.file.write(bytes) })
        guard let (file, head) = target else { return }
        try file.finish(mode: head.mode, modified: head.modified)
        if output != [0x2d] {
            Terminal.print("downloaded \(file.description) (\(humanSize(head.sizeBytes)))")
        }
    }
}

/// What a number of seconds to wait must be.
enum TimeoutText {
    static func check(_ seconds: Double?) throws {
        guard let seconds else { return }
        guard seconds >= 0, seconds <= APIContract.limitTimeoutSeconds else {
            throw ValidationError("a timeout is a number of seconds, zero or more")
        }
    }
}
