// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// Why an agent cannot start, or a folder cannot be taken on.
package enum AgentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another agent runs on the same state directory.
    case stateInUse(String)
    /// The agent's own state cannot be read or written.
    case state(String)
    /// A folder that was never joined.
    case unknownFolder(String)
    /// The folder lies in a place where it must not be, or is taken for something else.
    case refused(String)
    /// The folder cannot be opened.
    case folder(String)
    /// The hub cannot be reached.
    case unreachable(String)
    /// The hub does not take the agent.
    case notAdmitted(String)

    package var description: String {
        switch self {
        case .stateInUse(let text), .state(let text), .unknownFolder(let text), .refused(let text),
            .folder(let text), .unreachable(let text), .notAdmitted(let text):
            text
        }
    }

    /// The same in terms of exit codes.
    package var controlError: ControlError {
        switch self {
        case .state(let text), .folder(let text): .failed(text)
        case .unknownFolder(let text): .usage(text)
        case .stateInUse(let text), .refused(let text), .notAdmitted(let text): .refused(text)
        case .unreachable(let text): .unreachable(text)
        }
    }
}
