// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What keeps a path from being in sync. The list is closed: there is no path without one of these.
package enum Hindrance: String, Codable, Hashable, Sendable, CaseIterable {
    // Something is under way.

    /// The folder is being looked through.
    case scanning
    /// The file is being read, or its times are too young to tell a later edit by.
    case reading
    /// Its name vanished a moment ago: where it went is not known yet.
    case settling
    /// Its turn comes.
    case queued
    /// Its content is on its way here.
    case transferring
    /// The folder is being changed.
    case applying
    /// The hub was told of it, and has not answered yet.
    case committing
    /// The hub has more changes, which are on their way here.
    case receiving
    /// Both sides changed it at once, or another entry has its name: it is planned anew after a moment.
    case conflict
    /// It failed a moment ago, and is tried again.
    case retrying

    // Somebody is waited for.

    /// Its content is only on devices that are not online.
    case device
    /// There is no connection to the hub.
    case offline
    /// The hub decides no changes at present, as when its disk is full.
    case hub
    /// Somebody has the file open for writing, or writes it all the time.
    case busy
    /// Nothing is done before a person has confirmed or undone a removal.
    case held
    /// The folder is missing, was replaced, or cannot be used.
    case halted
    /// Somebody at the hub took this device's access back.
    case revoked
    /// The file's bytes changed and nothing else did: a person has to decide.
    case damaged

    // Something is in the way.

    /// Permission is denied, or the file system is read-only.
    case permission
    /// The disk is full, or a quota is used up.
    case space
    /// A name or path is too long, the file system cannot hold such an entry, or too many files are open.
    case limit
    /// The disk reports errors.
    case disk
    /// Another file system is mounted over it, or something that is not shared stands in its place.
    case obstructed
    /// The hub does not take it.
    case refused
    /// A rule of `.relayignore` leaves it out: nothing is done about it.
    case ignored
    /// Changes are noticed late: there is no watcher.
    case unwatched
    /// Nothing is under way and nothing is waited for: a fault of the agent.
    case stuck
}

extension Hindrance {
    /// What a problem in the folder amounts to.
    init(_ cause: Problem.Cause) {
        self =
            switch cause {
            case .permission, .readOnly: .permission
            case .noSpace: .space
            case .inputOutput: .disk
            case .tooManyOpen, .nameTooLong, .unsupported: .limit
            case .hidden, .obstructed: .obstructed
            case .unavailable: .device
            case .other: .retrying
            }
    }
}
