// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What is known of the root's `.relayignore`.
struct RulesFile {
    /// Its state when it was read; nil: it was not there.
    var fingerprint: Fingerprint?
    /// Whether rules are known: those of the file, or those that an earlier engine read.
    var isKnown = false
    /// When it is to be read; nil: not before it changes.
    var due: Instant?
    var isBeingRead = false
    /// How often in a row it could not be read for others who write it.
    var busyReads = 0
    /// Since when it is gone while rules of it are in force: some programs save by removing first.
    var missingSince: Instant?
    /// Why it cannot be read.
    var trouble: Reason?
    /// Whether the folder was not looked through yet since the rules changed.
    var isNew = false
    /// The node that the share has as its `.relayignore`.
    var node: NodeID?
    /// Since when a version of the share's is on its way here.
    var awaitedSince: Instant?

    static let path = RelativePath([.relayIgnore])
    static let placement = Placement(parent: .root, name: .relayIgnore)
}

extension ApplyStep {
    /// Whether it puts another file, or none, where the rules are read.
    var changesRules: Bool {
        if case .move(let from, _, _, _) = self, from == RulesFile.path { return true }
        return path == RulesFile.path
    }
}
