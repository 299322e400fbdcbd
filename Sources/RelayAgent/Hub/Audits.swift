// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization

/// Questions about the hub's index that wait for their answers.
final class Audits: Sendable {
    private struct State {
        var isOffered = false
        var open: [UInt64: OneShot<AuditPage?>] = [:]
        var lastNumber: UInt64 = 0
    }
    private let state = Mutex(State())

    /// Whether the hub that is connected answers.
    var isOffered: Bool { state.withLock { $0.isOffered } }

    /// A connection began with this welcome.
    func begin(_ welcome: Welcome) { state.withLock { $0.isOffered = welcome.audits } }

    /// The connection is lost: there will be no answers.
    func end() {
        let open = state.withLock { state in
            state.isOffered = false
            defer { state.open = [:] }
            return Array(state.open.values)
        }
        for question in open { question.set(nil) }
    }

    /// Asks by means of `send`, which gets the question's number. Nil: there is no answer, for the hub knows
    /// no such questions, or the connection is lost.
    func ask(_ send: (UInt64) -> Void) async -> AuditPage? {
        let answer = OneShot<AuditPage?>()
        let number: UInt64? = state.withLock { state in
            guard state.isOffered else { return nil }
            state.lastNumber += 1
            state.open[state.lastNumber] = answer
            return state.lastNumber
        }
        guard let number else { return nil }
        send(number)
        let page = await answer.wait() ?? nil
        state.withLock { _ = $0.open.removeValue(forKey: number) }
        return page
    }

    func answer(_ number: UInt64, _ page: AuditPage) { state.withLock { $0.open[number] }?.set(page) }
}

extension HubLink {
    /// A page of the hub's index after a revision; nil if it cannot be had now.
    func audit(after revision: Revision, limit: Int = AuditPage.limitRecords) async -> AuditPage? {
        await audits.ask { send(.audit($0, after: revision, limit: limit)) }
    }
}
