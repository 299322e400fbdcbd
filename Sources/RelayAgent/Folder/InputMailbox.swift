// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization

/// What the engine is to be told next. Nothing is handed out before the mailbox is opened.
final class InputMailbox: Sendable {
    private struct State {
        var inputs: [AgentInput] = []
        var isOpen = false
        /// Whether something was taken and is not handled yet.
        var isBeingHandled = false
        /// Whether a turn that takes the inputs is on its way.
        var isScheduled = false
        var schedule: (@Sendable () -> Void)?
        /// Bytes of the pages that were not taken yet, that are being handled, and that the engine keeps.
        var waitingBytes = 0
        var handledBytes = 0
        var keptBytes = 0
    }
    private let state = Mutex(State())

    /// Of more than so many bytes that came in pages and were not placed, no more are taken from the hub.
    private static let limitBytes = 4 << 20

    /// `schedule` is called when there is something to take, and not again before it was taken.
    func connect(_ schedule: @escaping @Sendable () -> Void) {
        state.withLock { $0.schedule = schedule }
    }

    /// Nothing is taken any more.
    func disconnect() {
        state.withLock { $0 = State() }
    }

    func post(_ input: AgentInput) {
        state.withLock { state in
            state.inputs.append(input)
            if case .message(.changes(let page)) = input { state.waitingBytes += page.estimatedBytes }
            return Self.toSchedule(&state)
        }?()
    }

    /// Puts an input before all others and opens the mailbox.
    func open(first: AgentInput) {
        state.withLock { state in
            state.inputs.insert(first, at: 0)
            state.isOpen = true
            return Self.toSchedule(&state)
        }?()
    }

    /// Everything that waits. Whoever takes it says when it is handled.
    func takeAll() -> [AgentInput] {
        state.withLock { state in
            guard state.isOpen else { return [] }
            defer { state.inputs = [] }
            state.isScheduled = false
            state.isBeingHandled = !state.inputs.isEmpty
            (state.handledBytes, state.waitingBytes) = (state.waitingBytes, 0)
            return state.inputs
        }
    }

    /// What the engine made of all that was taken can be seen now. It keeps so many bytes of what came with
    /// pages, to place them in a moment.
    func handled(keeping bytes: Int) {
        state.withLock { state in
            state.isBeingHandled = false
            (state.handledBytes, state.keptBytes) = (0, bytes)
        }
    }

    /// Whether the engine can take more of what the hub has: what it has no room for comes a second time.
    var hasRoom: Bool {
        state.withLock { $0.waitingBytes + $0.handledBytes + $0.keptBytes < Self.limitBytes }
    }

    /// Whether nothing waits, and all that was taken is handled.
    var isEmpty: Bool { state.withLock { $0.inputs.isEmpty && !$0.isBeingHandled } }

    private static func toSchedule(_ state: inout State) -> (@Sendable () -> Void)? {
        guard state.isOpen, !state.isScheduled, let schedule = state.schedule else { return nil }
        state.isScheduled = true
        return schedule
    }
}
