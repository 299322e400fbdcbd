// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import Glibc
internal import RelayCore

/// `relay-watch`: watches one folder, and writes a record for each change to its standard output.
///
/// The agent starts it and reads it (see `WatchRecord`); it ends when its standard input is closed.
@main struct Program {
    static func main() {
        do {
            let level = getenv("RELAY_LOG_LEVEL").map { String(cString: $0) }
            switch try Invocation(arguments: arguments(), level: level) {
            case .help: print(Invocation.usage)
            case .version: print("relay-watch \(RelayVersion.text)")
            case .watch(let folder, let isVerbose): try watch(folder, isVerbose: isVerbose)
            }
        } catch {
            let line = Array("relay-watch: \(error)\n".utf8)
            _ = write(STDERR_FILENO, line, line.count)
            exit(error.status)
        }
    }

    /// The arguments as the bytes that they are.
    private static func arguments() -> [[UInt8]] {
        (0..<Int(CommandLine.argc)).dropFirst().compactMap { index in
            CommandLine.unsafeArgv[index].map { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
        }
    }

    private static func watch(_ folder: [UInt8], isVerbose: Bool) throws(WatchProgramError) {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            throw .closedStream(descriptor)
        }
        // There is nothing to clean up: ending at once is right at any moment.
        signal(SIGTERM) { _ in _exit(0) }
        signal(SIGINT) { _ in _exit(0) }
        signal(SIGPIPE, SIG_IGN)
        let backend: InotifyToolsBackend
        do {
            backend = try InotifyToolsBackend()
        } catch {
            throw .noQueue(error)
        }
        raiseDescriptorLimit()
        let root = try resolve(folder)
        var loop = WatchLoop(tree: WatchTree(rootPath: root, backend: backend), isVerbose: isVerbose)
        try loop.run()
    }

    /// The folder's path without symbolic links, as it is now.
    private static func resolve(_ folder: [UInt8]) throws(WatchProgramError) -> [UInt8] {
        guard let resolved = withPath(folder, { realpath($0, nil) }) else {
            let error = SystemError(number: errno)
            throw error.number == ENOENT ? .missing(folder) : .cannotWatch(folder, error)
        }
        defer { free(resolved) }
        let path = Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
        var status = stat()
        guard stat(resolved, &status) == 0 else {
            throw .cannotWatch(path, SystemError(number: errno))
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(folder) }
        return path
    }

    /// Entering a deep tree takes a descriptor a level.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 4096))
        _ = setrlimit(resource, &limit)
    }
}
