// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts a hub's connections and keeps them within their limits.
final class Turnstile: Sendable {
    private struct Counts {
        var connections = 0
        var unadmitted = 0
    }

    private let counts = Mutex(Counts())
    private let connectionLimit: Int
    private let unadmittedLimit: Int

    init(connectionLimit: Int, unadmittedLimit: Int) {
        self.connectionLimit = connectionLimit
        self.unadmittedLimit = unadmittedLimit
    }

    /// A place for a connection that is not admitted yet; nil when there is none.
    func enter() -> Place? {
        let isIn = counts.withLock { counts in
            guard counts.connections < connectionLimit, counts.unadmitted < unadmittedLimit else {
                return false
            }
            counts.connections += 1
            counts.unadmitted += 1
            return true
        }
        return isIn ? Place(turnstile: self) : nil
    }

    /// One connection's place. `admitted` and `left` count once.
    final class Place: Sendable {
        private enum State { case unadmitted, admitted, left }
        private let turnstile: Turnstile
        private let state = Mutex(State.unadmitted)

        fileprivate init(turnstile: Turnstile) { self.turnstile = turnstile }

        func admitted() { move(to: .admitted) }
        func left() { move(to: .left) }

        private func move(to new: State) {
            let old = state.withLock { state in
                defer { if state != .left { state = new } }
                return state
            }
            turnstile.counts.withLock { counts in
                if old == .unadmitted, new != .unadmitted { counts.unadmitted -= 1 }
                if old != .left, new == .left { counts.connections -= 1 }
            }
        }
    }
}
