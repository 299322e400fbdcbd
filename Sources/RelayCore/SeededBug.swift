// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Mistakes that a test can have the engines and their simulated surroundings make on purpose, one at a time,
/// to see that the simulator finds each.
///
/// Only a build for debugging can make them: in a release build `isMade` is false, and costs nothing.
package enum SeededBug: String, CaseIterable, Sendable {
    // The planner.

    /// Of two different edits the hub's replaces the folder's, without a conflict copy.
    case losesConflicts
    /// A removal on the hub takes the folder's edit with it.
    case removesEdits
    /// A removal in the folder takes the hub's edit with it.
    case removesUnseenEdits

    // The agent's engine.

    /// A file's stamp is trusted although it is too young to tell two writes apart.
    case trustsYoungStamps
    /// What cannot be looked at counts as absent.
    case takesFailureForAbsence
    /// Removals by others are not taken in.
    case skipsRemovals
    /// A request to look at everything is not heard.
    case ignoresRescan
    /// What was edited while a change was on its way counts as agreed on.
    case agreesToLaterEdits
    /// Nobody is told that what it waited for has happened.
    case forgetsWaiters
    /// A file that was moved counts as read, whatever it holds by now.
    case trustsMovedFiles
    /// What was found in a directory counts for the directory that is in its place by now.
    case mistakesDirectories
    /// A link that was displaced is not looked at again.
    case overlooksDisplacedLinks

    /// What the rules leave out from now on counts as removed.
    case takesForgottenForRemoved
    /// Rules that were changed are not read again.
    case keepsFormerRules
    /// What a power cut left of a file counts as an edit.
    case takesLossesForEdits
    /// What was agreed on in a history that the hub lost counts in its present one.
    case trustsLostHistory

    // The hub's engine.

    /// A change that builds on an older one is accepted.
    case acceptsStaleChanges
    /// A removal by somebody who did not know the latest change is accepted.
    case acceptsStaleRemovals
    /// A second node gets a name.
    case acceptsTakenNames
    /// A directory that is not empty is removed.
    case removesFullDirectories

    // The surroundings, as the simulator has them.

    /// A file is replaced without a look at what is there.
    case placesUnchecked
    /// A file is removed without a look at what is there.
    case removesUnchecked
    /// Mode and time are set without a look at what is there.
    case setsUnchecked
    /// A file that is replaced while it is open for writing is given up.
    case abandonsWriters
    /// Nobody is told that events were lost.
    case dropsOverflow
    /// A file is read without a look at whether it changed meanwhile.
    case readsUnstably
    /// Where a disk folds names, an entry is found under every spelling of its name.
    case mistakesSpellings

    #if DEBUG
        /// The mistake that is made by what runs in this task; nil: none.
        @TaskLocal package static var current: SeededBug?

        package var isMade: Bool { Self.current == self }
    #else
        package var isMade: Bool { @inline(__always) get { false } }
    #endif
}
