// SPDX-License-Identifier: Apache-2.0

@preconcurrency internal import Glibc
internal import Synchronization

/// Why `relay-watch` cannot be started.
struct WatchStartError: Error, Hashable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
    init(errno number: Int32) { description = String(cString: strerror(number)) }
}

/// A running `relay-watch`: its process id and our ends of its three streams.
final class WatchChild: Sendable {
    let process: pid_t
    let output: Int32
    let errors: Int32
    /// Reports its end when the end is requested.
    let endRequest: Int32
    /// The write ends: of the program's standard input, and of `endRequest`.
    private let inputs = Mutex<[Int32]>([])

    /// Starts the program with standard streams and a process group of its own, default signals, and no
    /// other descriptor of ours.
    init(executable: String, folder: String) throws(WatchStartError) {
        // Each pipe is open for a moment without its flag, and must not be inherited by another child.
        let ends: [Int32]
        (process, output, errors, endRequest, ends) = try Self.starting.withLock {
            _ throws(WatchStartError) in
            let input = try Pipe()
            let output = try Pipe()
            let errors = try Pipe()
            let end = try Pipe()
            let process = try spawn(
                executable, [executable, folder], [input.read, output.write, errors.write])
            return (
                process, output.takeRead(), errors.takeRead(), end.takeRead(),
                [input.takeWrite(), end.takeWrite()]
            )
        }
        inputs.withLock { $0 = ends }
    }

    deinit {
        requestEnd()
        for descriptor in [output, errors, endRequest] { close(descriptor) }
    }

    /// Closes the program's standard input, upon which it ends. May be called again.
    func requestEnd() {
        inputs.withLock { inputs in
            for descriptor in inputs { close(descriptor) }
            inputs = []
        }
    }

    private static let starting = Mutex(())
}

/// A pipe whose ends are closed unless they are taken. They are above the standard streams' numbers, and
/// children do not inherit them.
private final class Pipe {
    private(set) var read: Int32
    private(set) var write: Int32

    init() throws(WatchStartError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw WatchStartError(errno: errno) }
        defer { for end in ends { close(end) } }
        read = fcntl(ends[0], F_DUPFD_CLOEXEC, 3)
        write = fcntl(ends[1], F_DUPFD_CLOEXEC, 3)
        guard read >= 0, write >= 0 else { throw WatchStartError(errno: EMFILE) }
    }

    deinit { for end in [read, write] where end >= 0 { close(end) } }

    func takeRead() -> Int32 {
        defer { read = -1 }
        return read
    }

    func takeWrite() -> Int32 {
        defer { write = -1 }
        return write
    }
}

/// Starts a program; `streams` become its standard input, output and error.
private func spawn(
    _ executable: String, _ arguments: [String], _ streams: [Int32]
) throws(WatchStartError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, descriptor) in streams.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    defer { for word in words { free(word) } }
    words.append(nil)
    var process: pid_t = 0
    // On its standard error only the reason of its end is expected, however much the agent logs.
    let logLevel = "RELAY_LOG_LEVEL="
    var variables: [UnsafeMutablePointer<CChar>?] = []
    var next = environ
    while let variable = next.pointee {
        if strncmp(variable, logLevel, logLevel.utf8.count) != 0 { variables.append(variable) }
        next += 1
    }
    variables.append(nil)
    let result = posix_spawn(&process, executable, &actions, &attributes, words, variables)
    guard result == 0 else { throw WatchStartError(errno: result) }
    return process
}
