// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Why a folder is held: what was found in it is more often an accident than meant, so that nothing is told
/// to the hub before the folder is as it was, or somebody says what is meant.
///
/// The raw values are stored.
package enum Hold: UInt8, CaseIterable, Sendable {
    /// All entries of the folder vanished.
    case emptied = 1
    /// A large part of the folder vanished.
    case removals = 2
    /// A large part of the files was replaced by older ones.
    case reverts = 3

    /// What was found and what to do, for people.
    package var text: String {
        switch self {
        case .emptied: "the folder was emptied: all its entries vanished at once. \(Self.removalAdvice)"
        case .removals: "a large part of the folder vanished at once. \(Self.removalAdvice)"
        case .reverts:
            "many files were replaced by older ones at once, as if a backup had been restored. Nothing was "
                + "told to the share. relay-ctl confirm takes them for the share's new state, "
                + "relay-ctl reject brings the share's state back"
        }
    }

    private static var removalAdvice: String {
        "Nothing was removed from the share. Put all of it back, or say that the removal is meant: "
            + "relay-ctl confirm, or that it is not, and the share's state comes back: relay-ctl reject"
    }
}
