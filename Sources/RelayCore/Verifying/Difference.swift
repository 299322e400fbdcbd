// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// One thing in which two of the stores that should agree do not: the disk, the agent's index, the hub's.
package struct Difference: Hashable, Sendable {
    /// Which stores disagree, and how.
    package enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        /// The folder lacks what the agent's index has.
        case missingOnDisk = "missing on disk"
        /// The folder has what the agent's index lacks.
        case unknownOnDisk = "unknown on disk"
        /// Size, times, mode, link target or identity are not those that the agent's index has.
        case changedOnDisk = "changed on disk"
        /// A file's bytes are others than were read from it, though its size and all its times are the same.
        case damagedOnDisk = "damaged on disk"
        /// What the agent's index has of an entry does not fit together.
        case damagedRecord = "damaged record"
        /// The agent knows that it is not in sync, and has nothing under way that would change that.
        case forgotten = "forgotten"
        /// The hub's index has what the agent's lacks.
        case unknownHere = "unknown here"
        /// The hub's index lacks what the agent's has from it.
        case missingOnHub = "missing on the hub"
        /// The hub's index has another state of it, of the same revision or an earlier one.
        case differsFromHub = "differs from the hub"
    }

    /// What lets the ordinary rules decide about it. None of them removes anything.
    package enum Repair: Hashable, Sendable {
        /// The entry is looked at again.
        case look(Placement)
        /// The file is read again.
        case read(NodeID)
        /// What was agreed on about the node is forgotten, and it is observed anew.
        case observe(NodeID)
        /// The hub's record is taken in, as if it had come with the feed.
        case take(NodeRecord)
        /// The hub does not know the node: it is new to it.
        case offer(NodeID)
        /// The node is planned again.
        case plan(NodeID)
        /// Nothing is done before a person has decided; the file's state by which the damage is known again.
        case ask(NodeID, Fingerprint)
    }

    package var path: RelativePath
    package var kind: Kind
    /// What each of the two has, for people.
    package var detail: String
    package var repair: Repair

    package init(_ kind: Kind, at path: RelativePath, _ detail: String, repair: Repair) {
        self.kind = kind
        self.path = path
        self.detail = detail
        self.repair = repair
    }
}

/// What a look at a file's bytes told about its record.
package enum ContentVerdict: Hashable, Sendable {
    case equal
    case different(Difference)
    /// It is being changed, or is not what it was when the look began.
    case changing
    /// It could not be read; the cause, for people.
    case unreadable(String)
}
