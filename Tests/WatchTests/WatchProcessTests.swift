// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import RelayFolder
import Testing

/// The real program, started as the agent starts it.
@Suite(.timeLimit(.minutes(2))) struct WatchProcessTests {
    /// The program that was built with these tests, beside them.
    static let executable: String = {
        var target = [CChar](repeating: 0, count: 4096)
        let length = max(0, readlink("/proc/self/exe", &target, target.count))
        let own = String(decoding: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let arguments = [own] + CommandLine.arguments
        for argument in arguments {
            let directory = argument.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            let candidate = (directory + ["relay-watch"]).joined(separator: "/")
            if access(candidate, X_OK) == 0 { return candidate }
        }
        return "relay-watch"
    }()

    struct Watch {
        let process: WatchProcess
        private var iterator: AsyncStream<WatchEvent>.AsyncIterator

        init(_ path: String) {
            process = WatchProcess(executable: WatchProcessTests.executable, folder: path)
            iterator = process.events().makeAsyncIterator()
        }

        mutating func next() async -> WatchEvent? { await iterator.next(isolation: #isolation) }

        /// The hints until one leads to the path.
        mutating func hints(until wanted: RelativePath) async -> [Hint] {
            var result: [Hint] = []
            while !result.cover(wanted), let event = await next() {
                if case .hints(let hints) = event { result += hints }
            }
            return result
        }

        mutating func end() async -> WatchEvent? {
            var last: WatchEvent?
            while let event = await next() { last = event }
            return last
        }
    }

    @Test func `changes are hinted from ready on, until it is stopped`() async throws {
        let folder = try TemporaryFolder()
        try folder.makeDirectories(".relay/stage")
        var watch = Watch(folder.path)
        #expect(await watch.next() == .ready)
        try folder.makeDirectories("a/b/c")
        try folder.write("a/b/c/f")
        #expect(await watch.hints(until: path("a/b/c/f")).cover(path("a/b/c/f")))
        try folder.rename("a", "m")
        try folder.rename("m", "n")
        try folder.write("n/b/c/g")
        #expect(await watch.hints(until: path("n/b/c/g")).cover(path("n/b/c/g")))
        watch.process.stop()
        #expect(await watch.end() == .ended("stopped"))
    }

    @Test func `what is moved out is not heard of`() async throws {
        let folder = try TemporaryFolder()
        let outside = try TemporaryFolder()
        try folder.makeDirectories("a/b")
        var watch = Watch(folder.path)
        #expect(await watch.next() == .ready)
        try folder.rename("a", "../" + String(outside.path.split(separator: "/").last ?? "") + "/a")
        _ = await watch.hints(until: path("a"))
        try outside.write("a/b/f")
        try folder.write([0xff, 0x0a])
        let hints = await watch.hints(until: path([0xff, 0x0a]))
        #expect(hints.paths == [path([0xff, 0x0a])])
    }

    @Test func `a folder that goes away ends the watch with a reason`() async throws {
        let folder = try TemporaryFolder()
        var watch = Watch(folder.path)
        #expect(await watch.next() == .ready)
        folder.removeAll()
        #expect(await watch.next() == .rootGone("it was removed"))
        let line = "relay-watch: cannot watch \(folder.path) any more: it was removed"
        #expect(await watch.end() == .ended(line))
    }

    @Test func `a folder that cannot be watched is told in one line`() async throws {
        let folder = try TemporaryFolder()
        try folder.write("file")
        var missing = Watch(folder.path + "/missing")
        let missingLine = "relay-watch: cannot watch \(folder.path)/missing: it is missing"
        #expect(await missing.end() == .ended(missingLine))
        var file = Watch(folder.path + "/file")
        let fileLine = "relay-watch: cannot watch \(folder.path)/file: it is not a directory"
        #expect(await file.end() == .ended(fileLine))
    }

    @Test func `a program that cannot be started is told`() async throws {
        let process = WatchProcess(executable: "/nowhere/relay-watch", folder: "/tmp")
        var iterator = process.events().makeAsyncIterator()
        let line = "cannot start /nowhere/relay-watch: No such file or directory"
        #expect(await iterator.next(isolation: #isolation) == .ended(line))
        #expect(await iterator.next(isolation: #isolation) == nil)
    }

    @Test func `a program that talks nonsense is ended`() async throws {
        let process = WatchProcess(executable: "/bin/ls", folder: "/")
        var iterator = process.events().makeAsyncIterator()
        guard case .ended(let reason) = await iterator.next(isolation: #isolation) else {
            Issue.record("it was understood")
            return
        }
        #expect(reason.hasPrefix("cannot understand relay-watch"))
    }

    @Test func `a program that does not go is signalled`() async throws {
        let process = WatchProcess(executable: "/bin/sleep", folder: "1000")
        var iterator = process.events().makeAsyncIterator()
        process.stop()
        #expect(await iterator.next(isolation: #isolation) == .ended("stopped"))
    }

    @Test func `many files at once are all hinted`() async throws {
        let folder = try TemporaryFolder()
        var watch = Watch(folder.path)
        #expect(await watch.next() == .ready)
        for index in 0..<2000 { try folder.write("f\(index)") }
        let hints = await watch.hints(until: path("f1999"))
        let paths = hints.paths
        #expect((0..<2000).allSatisfy { paths.contains(path("f\($0)")) })
    }
}
