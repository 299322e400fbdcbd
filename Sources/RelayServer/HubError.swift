// SPDX-License-Identifier: Apache-2.0

/// Why a hub does not start. The texts are for people.
package enum HubError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The data directory cannot be used.
    case dataDirectory(String)
    /// Another hub runs on the data directory.
    case inUse(String)
    /// The databases or the store cannot be opened.
    case state(String)
    /// The hub's own key cannot be read or made.
    case identity(String)
    /// There is no such share.
    case noShare(String)
    /// What is asked for would do harm, and is not needed.
    case notNeeded(String)
    /// The address cannot be listened on, as when the port is in use.
    case cannotListen(String)

    package var description: String {
        switch self {
        case .dataDirectory(let text), .inUse(let text), .state(let text), .identity(let text),
            .noShare(let text), .notNeeded(let text), .cannotListen(let text):
            text
        }
    }
}
