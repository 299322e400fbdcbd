// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import RelayCore

/// Reads a running `relay-watch` until it has ended, on a thread of its own.
final class WatchReader {
    /// How long the program may take to end, before each of the two signals.
    private static let patienceMilliseconds: Int64 = 2000
    private static let limitErrorBytes = 4096

    private let child: WatchChild
    private let give: @Sendable (WatchEvent) -> WatchProcess.Receipt
    private var decoder = WatchRecordDecoder()
    private var errorText: [UInt8] = []
    private var failure: String?
    private var isEnding = false
    /// When the program is signalled; nil while it is not expected to end.
    private var signalAt: Int64?
    private var signals = [SIGTERM, SIGKILL]

    init(child: WatchChild, give: @escaping @Sendable (WatchEvent) -> WatchProcess.Receipt) {
        self.child = child
        self.give = give
    }

    /// Starts the thread, to which the reader belongs from then on.
    consuming func start() throws(WatchStartError) {
        var thread = pthread_t()
        let owned = Unmanaged.passRetained(self)
        let result = pthread_create(&thread, nil, runReader, owned.toOpaque())
        guard result == 0 else {
            owned.release()
            throw WatchStartError(errno: result)
        }
        pthread_detach(thread)
    }

    fileprivate func run() {
        var open: Set<Int32> = [child.output, child.errors]
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while !open.isEmpty {
            for descriptor in readable(open) {
                let count = read(descriptor, &buffer, buffer.count)
                if count > 0 {
                    take(buffer[..<count], from: descriptor)
                } else if count == 0 || errno != EINTR {
                    open.remove(descriptor)
                    if descriptor == child.output { expectEnd() }
                }
            }
            signalIfDue()
        }
        finish(status: waitForEnd())
    }

    /// The descriptors that can be read now; waits for one, for the request to end, or for a signal's time.
    private func readable(_ open: Set<Int32>) -> [Int32] {
        var sources = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        if !isEnding { sources.append(pollfd(fd: child.endRequest, events: Int16(POLLIN), revents: 0)) }
        let timeout = signalAt.map { Int32(clamping: max(0, $0 - now())) } ?? -1
        guard poll(&sources, nfds_t(sources.count), timeout) > 0 else { return [] }
        let ready = sources.filter { $0.revents != 0 }.map(\.fd)
        if ready.contains(child.endRequest) {
            isEnding = true
            expectEnd()
        }
        return ready.filter { $0 != child.endRequest }
    }

    private func take(_ bytes: ArraySlice<UInt8>, from descriptor: Int32) {
        guard descriptor == child.output else {
            errorText += bytes.prefix(Self.limitErrorBytes - errorText.count)
            return
        }
        guard !isEnding else { return }
        do {
            decoder.append(bytes)
            while let record = try decoder.next() {
                guard deliver(WatchEvent(record)) else { return child.requestEnd() }
            }
        } catch {
            failure = "cannot understand relay-watch: \(error)"
            child.requestEnd()
        }
    }

    /// Gives an event away, and waits for room for it. False when nobody wants it.
    private func deliver(_ event: WatchEvent) -> Bool {
        while true {
            switch give(event) {
            case .taken: return true
            case .refused: return false
            case .full:
                var end = pollfd(fd: child.endRequest, events: Int16(POLLIN), revents: 0)
                if poll(&end, 1, 5) > 0 { return false }
            }
        }
    }

    private func expectEnd() { if signalAt == nil { signalAt = now() + Self.patienceMilliseconds } }

    private func signalIfDue() {
        guard let signalAt, signalAt <= now() else { return }
        self.signalAt = now() + Self.patienceMilliseconds
        // The process was not waited for: its id is its own.
        if !signals.isEmpty { kill(child.process, signals.removeFirst()) }
    }

    private func waitForEnd() -> Int32 {
        child.requestEnd()
        expectEnd()
        var status: Int32 = 0
        while true {
            let result = waitpid(child.process, &status, WNOHANG)
            if result == child.process || (result < 0 && errno != EINTR) { return status }
            poll(nil, 0, 5)
            signalIfDue()
        }
    }

    private func finish(status: Int32) {
        _ = deliver(.ended(failure ?? (isEnding ? "stopped" : reason(status))))
    }

    private func reason(_ status: Int32) -> String {
        let line = errorText.split(separator: UInt8(ascii: "\n")).last.map { displayText(Array($0)) }
        if let line { return line }
        let signal = status & 0x7f
        return signal == 0
            ? "relay-watch ended with status \(status >> 8 & 0xff)"
            : "relay-watch was ended by signal \(signal)"
    }

    private func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

private func runReader(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<WatchReader>.fromOpaque(argument).takeRetainedValue().run() }
    return nil
}
