// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import Glibc
internal import RelayCore

/// What the arguments ask for.
enum Invocation: Hashable {
    case help
    case version
    /// `isVerbose`: what is told goes to standard error as well, for people.
    case watch([UInt8], isVerbose: Bool)

    static let usage = """
        usage: relay-watch [--log-level LEVEL] FOLDER

        Watches FOLDER and writes what changes as records to standard output, until
        standard input is closed. relay-agent starts it; nobody needs to do so by hand.

          --log-level LEVEL  how much to say on standard error: trace, debug, info,
                             notice, warning, error (default: RELAY_LOG_LEVEL or info);
                             from debug on, each change
          --help             print this text
          --version          print the version

        Examples:
          relay-watch ~/Shared | od -c
          relay-watch --log-level debug ~/Shared > /dev/null
        """

    /// `level` is what the environment says of how much to log.
    init(arguments: [[UInt8]], level: String?) throws(WatchProgramError) {
        var level = level
        var rest = arguments[...]
        var folder: [UInt8]?
        while let argument = rest.popFirst() {
            switch String(decoding: argument, as: UTF8.self) {
            case "--help", "-h":
                self = .help
                return
            case "--version":
                self = .version
                return
            case "--log-level":
                guard let value = rest.popFirst() else { throw .usage }
                level = String(decoding: value, as: UTF8.self)
            default:
                guard folder == nil, !argument.isEmpty, argument.first != UInt8(ascii: "-") else {
                    throw .usage
                }
                folder = argument
            }
        }
        guard let folder else { throw .usage }
        let levels = ["trace", "debug", "info", "notice", "warning", "error"]
        guard let rank = levels.firstIndex(of: level ?? "info") else { throw .noLevel(level ?? "") }
        self = .watch(folder, isVerbose: rank < 2)
    }
}

/// Why the program ends with another status than 0.
enum WatchProgramError: Error, CustomStringConvertible {
    case usage
    case noLevel(String)
    case closedStream(Int32)
    case noQueue(SystemError)
    case missing([UInt8])
    case notADirectory([UInt8])
    case cannotWatch([UInt8], SystemError)
    case rootGone([UInt8], String)

    var status: Int32 {
        switch self {
        case .usage, .noLevel: 2
        default: 1
        }
    }

    var description: String {
        switch self {
        case .usage: "expected one folder; see relay-watch --help"
        case .noLevel(let text):
            "\(displayText(Array(text.utf8))) is no log level: trace, debug, info, notice, warning or error"
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
