// SPDX-License-Identifier: Apache-2.0

/// Why a shared folder cannot be opened, or must not be touched any more.
package enum FolderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Nothing is at the path.
    case missing(String)
    /// Something else than a directory is at the path.
    case notADirectory(String)
    /// The directory is not the one that is remembered: its marker, device, inode or birth time differs.
    case notOurs(String)
    /// Another agent has the folder.
    case inUse(String)
    /// The folder has lost all its entries. Found by the caller, who knows what was in it.
    case emptied(String)
    /// The folder lies inside another shared folder, or another one inside it.
    case nested(String)
    case failed(String)

    package var description: String {
        switch self {
        case .missing(let text), .notADirectory(let text), .notOurs(let text), .inUse(let text),
            .emptied(let text), .nested(let text), .failed(let text):
            text
        }
    }
}
