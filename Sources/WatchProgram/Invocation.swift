// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import Glibc
internal import RelayCore

/// What the arguments ask for.
enum Invocation: Hashable {
    case help
    case version
    case watch([UInt8])

    static let usage = """
        usage: relay-watch FOLDER

        Watches FOLDER and writes what changes as records to standard output, until
        standard input is closed. relay-agent starts it; nobody needs to do so by hand.

          --help     print this text
          --version  print the version

        Example:
          relay-watch ~/Shared | od -c
        """

    init(arguments: [[UInt8]]) throws(WatchProgramError) {
        guard let first = arguments.first, arguments.count == 1, !first.isEmpty else { throw .usage }
        switch String(decoding: first, as: UTF8.self) {
        case "--help", "-h": self = .help
        case "--version": self = .version
        default:
            guard first.first != UInt8(ascii: "-") else { throw .usage }
            self = .watch(first)
        }
    }
}

/// Why the program ends with another status than 0.
enum WatchProgramError: Error, CustomStringConvertible {
    case usage
    case closedStream(Int32)
    case noQueue(SystemError)
    case missing([UInt8])
    case notADirectory([UInt8])
    case cannotWatch([UInt8], SystemError)
    case rootGone([UInt8], String)

    var status: Int32 {
        if case .usage = self { 2 } else { 1 }
    }

    var description: String {
        switch self {
        case .usage: "expected one folder; see relay-watch --help"
        case .closedStream(let descriptor): "cannot start: descriptor \(descriptor) is closed"
        case .noQueue(let error) where error.number == EMFILE:
            "cannot initialise inotify: \(error) (see /proc/sys/fs/inotify/max_user_instances)"
        case .noQueue(let error): "cannot initialise inotify: \(error)"
        case .missing(let folder): "cannot watch \(displayText(folder)): it is missing"
        case .notADirectory(let folder):
            "cannot watch \(displayText(folder)): it is not a directory"
        case .cannotWatch(let path, let error): "cannot watch \(displayText(path)): \(error)"
        case .rootGone(let path, let cause): "cannot watch \(displayText(path)) any more: \(cause)"
        }
    }
}
