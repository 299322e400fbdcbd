// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

@testable import relay_watch

/// A tree over a real folder and the real kernel's queue, with a clock of its own.
final class TreeUnderTest<Backend: WatchBackend> {
    let folder: TemporaryFolder
    let tree: WatchTree<Backend>
    var now = Instant(milliseconds: 1_000_000)
    private var decoder = WatchRecordDecoder()

    init(folder: TemporaryFolder, backend: Backend) {
        self.folder = folder
        tree = WatchTree(rootPath: Array(folder.path.utf8), backend: backend)
    }

    func start() throws -> [WatchRecord] {
        try tree.start(now: now)
        return try told()
    }

    /// Takes all events that wait, does what is due, and gives what is told.
    func records() throws -> [WatchRecord] {
        repeat {
            while try tree.drain(now: now) {}
            try tree.settle(now: now)
        } while tree.needsComparison || !tree.postponed.isEmpty
        return try told()
    }

    func hints() throws -> [Hint] {
        try records().flatMap { if case .hints(let hints) = $0 { hints } else { [Hint]() } }
    }

    /// Lets time pass, and everything that falls due on the way be done.
    func pass(milliseconds: Int64) throws -> [Hint] {
        let end = now + milliseconds
        var result = try hints()
        while let deadline = tree.deadline, deadline <= end {
            now = max(now, deadline)
            result += try hints()
        }
        now = end
        return try result + hints()
    }

    /// The paths of the directories that have a watch.
    var watchedPaths: Set<[UInt8]> {
        Set(tree.byWatch.values.map { RelativePath($0.namesFromTop).bytes })
    }

    private func told() throws -> [WatchRecord] {
        var encoder = WatchRecordEncoder()
        tree.announcements.move(to: &encoder)
        decoder.append(encoder.bytes)
        var result: [WatchRecord] = []
        while let record = try decoder.next() { result.append(record) }
        return result
    }
}

extension TreeUnderTest where Backend == RawInotifyBackend {
    convenience init() throws {
        self.init(folder: try TemporaryFolder(), backend: try RawInotifyBackend())
    }
}

/// The kernel's queue with a limit of watches, and directories that it refuses.
final class LimitedBackend: WatchBackend {
    private let queue: RawInotifyBackend
    private var watches: Set<Int32> = []
    var limit: Int
    var refused: Set<UInt64> = []
    var injected: [KernelEvent] = []

    init(limit: Int) throws {
        queue = try RawInotifyBackend()
        self.limit = limit
    }

    var descriptor: Int32 { queue.descriptor }

    func add(directory: Int32) throws(SystemError) -> Int32 {
        var status = stat()
        fstat(directory, &status)
        guard !refused.contains(UInt64(status.st_ino)) else { throw SystemError(number: EACCES) }
        let watch = try queue.add(directory: directory)
        if !watches.contains(watch), watches.count >= limit {
            queue.remove(watch)
            throw SystemError(number: ENOSPC)
        }
        watches.insert(watch)
        return watch
    }

    func remove(_ watch: Int32) {
        watches.remove(watch)
        queue.remove(watch)
    }

    func next() throws(SystemError) -> KernelEvent? {
        if !injected.isEmpty { return injected.removeFirst() }
        return try queue.next()
    }
}
