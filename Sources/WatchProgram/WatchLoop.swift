// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import Glibc
internal import RelayCore

/// Waits for events and for the end of standard input, and writes what the tree says.
struct WatchLoop<Backend: WatchBackend> {
    let tree: WatchTree<Backend>
    private var encoder = WatchRecordEncoder()

    private let isVerbose: Bool
    /// Until when it is not told that files are being written, and nothing else.
    private var heldUntil: Instant?
    /// What is written is mostly closed at once, and that is told instead; what is not, is not waited for any
    /// less by its reader.
    private static var holdMilliseconds: Int64 { 5 }

    /// `isVerbose`: what is told goes to standard error as well, for people.
    init(tree: WatchTree<Backend>, isVerbose: Bool) {
        self.tree = tree
        self.isVerbose = isVerbose
    }

    /// Returns when standard input is closed, or nobody reads standard output any more.
    mutating func run() throws(WatchProgramError) {
        do {
            try tree.start(now: monotonicNow())
        } catch {
            throw .cannotWatch(tree.rootPath, error)
        }
        guard try tell() else { return }
        var hasMore = true
        while true {
            let timeout = hasMore ? 0 : timeout(until: [tree.deadline, heldUntil].compactMap { $0 }.min())
            guard try wait(timeout) else { return }
            do {
                hasMore = try tree.drain(now: monotonicNow())
                if !hasMore {
                    try tree.settle(now: monotonicNow())
                    hasMore = !tree.postponed.isEmpty || tree.needsComparison
                }
            } catch {
                throw .cannotWatch(tree.rootPath, error)
            }
            if isHeld() { continue }
            guard try tell() else { return }
        }
    }

    /// Whether what is to be told can wait a little.
    private mutating func isHeld() -> Bool {
        guard tree.announcements.areOfWriting else {
            heldUntil = nil
            return false
        }
        let now = monotonicNow()
        let until = heldUntil ?? now + Self.holdMilliseconds
        heldUntil = now < until ? until : nil
        return now < until
    }

    /// Waits for an event or the timeout. False when standard input is closed.
    private func wait(_ timeout: Int32) throws(WatchProgramError) -> Bool {
        var sources = [
            pollfd(fd: tree.backend.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&sources, nfds_t(sources.count), timeout) >= 0 else {
            if errno == EINTR { return true }
            throw .cannotWatch(tree.rootPath, SystemError(number: errno))
        }
        guard sources[1].revents != 0 else { return true }
        // What is said on standard input means nothing; its end means everything.
        var ignored = [UInt8](repeating: 0, count: 256)
        let count = read(STDIN_FILENO, &ignored, ignored.count)
        return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN))
    }

    /// Writes what is to be told. False when nobody reads.
    private mutating func tell() throws(WatchProgramError) -> Bool {
        if isVerbose { for line in tree.announcements.lines { say(line) } }
        tree.announcements.move(to: &encoder)
        if !encoder.isEmpty {
            defer { encoder.removeAll() }
            guard writeAll(encoder.bytes) else { return false }
        }
        if let cause = tree.announcements.rootGone { throw .rootGone(tree.rootPath, cause) }
        return true
    }

    private func say(_ line: String) {
        let bytes = Array("relay-watch: \(line)\n".utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    private func writeAll(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let count = write(STDOUT_FILENO, part.baseAddress, part.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&output, 1, -1)
                } else if errno != EINTR {
                    return false
                }
            }
            return true
        }
    }

    private func timeout(until deadline: Instant?) -> Int32 {
        guard let deadline else { return -1 }
        return Int32(clamping: max(0, deadline.milliseconds - monotonicNow().milliseconds))
    }
}

/// The time on the clock that only goes forward.
func monotonicNow() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}
