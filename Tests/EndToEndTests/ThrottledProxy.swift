// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A TCP hop between an agent and its hub that can be slow, fall silent, refuse, or cut.
final class ThrottledProxy: Sendable {
    private struct State {
        /// What passes a second from the agents to the hub, all connections together; nil: all.
        var bytesPerSecond: Int?
        /// The same for what passes from the hub to the agents.
        var downBytesPerSecond: Int?
        /// How much passed from the hub to the agents.
        var passedDownBytes = 0
        var isSilent = false
        var isRefusing = false
        var sockets: [Int32] = []
        var isClosed = false
        /// When the next byte may pass, to the hub and to the agents.
        var mayPassAt = Date.distantPast
        var mayPassDownAt = Date.distantPast
    }

    private let listener: Int32
    private let target: UInt16
    private let state = Mutex(State())
    let port: Int

    /// `address` is the hub's, on loopback.
    init(to address: String) throws {
        guard let text = address.split(separator: ":").last, let target = UInt16(text) else {
            throw TestFailure("no port in “\(address)”")
        }
        self.target = target
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var local = Self.loopback(0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // So that little of what the agent sends is on its way unseen.
        var small: Int32 = 64 << 10
        setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, socklen_t(MemoryLayout<Int32>.size))
        var length = size
        let isBound = withUnsafeMutablePointer(to: &local) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                [listener] address in
                bind(listener, address, size) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        self.listener = listener
        port = Int(UInt16(bigEndian: local.sin_port))
        guard listener >= 0, isBound else { throw TestFailure("cannot listen on loopback") }
        Thread.detachNewThread { [self] in accept() }
    }

    /// The address for agents instead of the hub's.
    var address: String { "127.0.0.1:\(port)" }

    /// From now on so many bytes a second pass towards the hub; nil: as many as there are.
    func limit(bytesPerSecond: Int?) { state.withLock { $0.bytesPerSecond = bytesPerSecond } }

    /// From now on so many bytes a second pass to the agents; nil: as many as there are.
    func limit(downBytesPerSecond: Int?) { state.withLock { $0.downBytesPerSecond = downBytesPerSecond } }

    /// How many bytes passed to the agents.
    var passedDownBytes: Int { state.withLock { $0.passedDownBytes } }

    /// Whether nothing passes, and nobody is told.
    func setSilent(_ isSilent: Bool) { state.withLock { $0.isSilent = isSilent } }

    /// Whether connections are closed as soon as they come.
    func setRefusing(_ isRefusing: Bool) { state.withLock { $0.isRefusing = isRefusing } }

    /// Cuts everything that passes through.
    func cut() {
        for descriptor in state.withLock({ $0.sockets }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    /// Ends the hop.
    func close() {
        state.withLock { $0.isClosed = true }
        shutdown(listener, Int32(SHUT_RDWR))
        cut()
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }

    private func accept() {
        while true {
            let inner = Glibc.accept(listener, nil, nil)
            guard inner >= 0 else {
                if errno == EINTR || errno == ECONNABORTED { continue }
                Glibc.close(listener)
                return
            }
            guard !state.withLock({ $0.isRefusing }), let outer = dial() else {
                Glibc.close(inner)
                continue
            }
            state.withLock { $0.sockets += [inner, outer] }
            // The last of the two to end closes both.
            let ends = Ends { [self] in
                state.withLock { state in state.sockets.removeAll { $0 == inner || $0 == outer } }
                Glibc.close(inner)
                Glibc.close(outer)
            }
            Thread.detachNewThread { [self] in pass(from: inner, to: outer, isUp: true, ends) }
            Thread.detachNewThread { [self] in pass(from: outer, to: inner, isUp: false, ends) }
        }
    }

    private func dial() -> Int32? {
        let outer = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // So that little of what the hub sends waits here.
        var small: Int32 = 64 << 10
        setsockopt(outer, SOL_SOCKET, SO_RCVBUF, &small, socklen_t(MemoryLayout<Int32>.size))
        var hub = Self.loopback(target)
        let isConnected = withUnsafePointer(to: &hub) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(outer, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if isConnected { return outer }
        Glibc.close(outer)
        return nil
    }

    private func pass(from source: Int32, to target: Int32, isUp: Bool, _ ends: Ends) {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            while state.withLock({ $0.isSilent && !$0.isClosed }) { usleep(20_000) }
            let count = recv(source, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            // What came before the silence began stays unheard as well.
            while state.withLock({ $0.isSilent && !$0.isClosed }) { usleep(20_000) }
            waitForTurn(count, isUp: isUp)
            var sent = 0
            while sent < count {
                let step = buffer[sent..<count].withUnsafeBytes {
                    send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if step < 0, errno == EINTR { continue }
                guard step > 0 else { break }
                sent += step
            }
            guard sent == count else { break }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(target, Int32(SHUT_RDWR))
        ends.one()
    }

    /// Waits until so many bytes may pass.
    private func waitForTurn(_ count: Int, isUp: Bool) {
        let pause: TimeInterval = state.withLock { state in
            if !isUp { state.passedDownBytes += count }
            guard let rate = isUp ? state.bytesPerSecond : state.downBytesPerSecond else { return 0 }
            let now = Date()
            let start = max(now, isUp ? state.mayPassAt : state.mayPassDownAt)
            let end = start.addingTimeInterval(Double(count) / Double(rate))
            if isUp { state.mayPassAt = end } else { state.mayPassDownAt = end }
            return start.timeIntervalSince(now)
        }
        if pause > 0 { Thread.sleep(forTimeInterval: pause) }
    }

    /// Does something once both directions ended.
    private final class Ends: Sendable {
        private let left = Mutex(2)
        private let done: @Sendable () -> Void
        init(_ done: @escaping @Sendable () -> Void) { self.done = done }
        func one() {
            let isLast = left.withLock { left in
                left -= 1
                return left == 0
            }
            if isLast { done() }
        }
    }
}
