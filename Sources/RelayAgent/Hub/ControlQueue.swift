// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayWire

/// The messages on their way to the hub over one control connection.
final class ControlQueue: Sendable {
    private let control: AgentControl
    private let waiting = AsyncQueue<AgentMessage>()
    private let order = SendingOrder()

    init(_ control: AgentControl) { self.control = control }

    /// Sends a message, at once if it is small and none waits. False once the queue is finished.
    @discardableResult func append(_ message: AgentMessage) -> Bool {
        order.send(message, bytes: message.estimatedBytes, on: control) { waiting.append(message) }
    }

    /// Sends what waits until the connection ends; says why it did.
    func run() async -> WireError? {
        do throws(WireError) {
            while let messages = await waiting.takeAll() {
                try await control.send(messages)
                order.sent { waiting.isEmpty }
            }
            return nil
        } catch {
            return error
        }
    }

    /// Nothing more is taken.
    func finish() { order.close { waiting.finish() } }
}

extension AgentMessage {
    fileprivate var estimatedBytes: Int {
        guard case .commit(let batch) = self else { return 0 }
        return batch.operations.reduce(0) { $0 + $1.estimatedBytes }
            + batch.offers.reduce(0) { $0 + $1.estimatedBytes }
    }
}
