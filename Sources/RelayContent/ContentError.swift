// SPDX-License-Identifier: Apache-2.0

/// Why bytes from a peer or a disk are not the chunk that they are said to be.
package enum ContentError: Error, Equatable, Sendable {
    /// They break a limit or the format; the text is one line for people.
    case malformed(String)
    /// They are well formed, and are not what they are named.
    case mismatch(String)
}

extension ContentError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(let text), .mismatch(let text): text
        }
    }
}
