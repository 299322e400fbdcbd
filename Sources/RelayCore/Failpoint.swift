// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Instants at which a test can end a program, to see that it loses nothing.
///
/// Only a build for debugging reaches them: in a release build `reach` costs nothing.
package enum Failpoint: String, CaseIterable, Sendable {
    // The agent takes a folder on.

    /// The folder has its marker; the hub knows nothing.
    case joinAdopted = "join-adopted"
    /// The hub has admitted the device; the agent has not written it down.
    case joinEnrolled = "join-enrolled"
    case joinRecorded = "join-recorded"

    // The agent's engine.

    /// A turn's changes of the replica are made and not committed.
    case turnOpen = "turn-open"
    /// They are committed, and nothing of what is to be done has begun.
    case turnCommitted = "turn-committed"
    /// A batch was handed to the connection.
    case batchSent = "batch-sent"
    /// A file was read, and nobody knows.
    case fileRead = "file-read"

    // The agent stages.

    case stageOpened = "stage-opened"
    case stageWritten = "stage-written"
    /// All is in the staged file; nothing is synced.
    case stageComplete = "stage-complete"
    case stageSynced = "stage-synced"

    // The agent changes its folder.

    case placing
    /// A new file has its name.
    case placed
    /// The record of what is to be displaced is written.
    case parkRecorded = "park-recorded"
    /// The newcomer stands in the park.
    case newcomerParked = "newcomer-parked"
    /// Newcomer and displaced entry have changed places.
    case exchanged
    /// A parked entry is gone, its record is not.
    case released
    /// A displaced entry is about to become a conflict copy.
    case keeping
    /// It has its name, and its record is still there.
    case kept
    /// A file that is to be removed stands in the park.
    case removalParked = "removal-parked"
    /// A directory is made, with a mode that is not the right one.
    case directoryMade = "directory-made"
    case directoryRemoved = "directory-removed"
    case moved
    /// A file has its new mode, and the old time.
    case modeSet = "mode-set"
    /// A batch of steps is carried out and not synced.
    case stepsDone = "steps-done"
    /// It is synced, and the engine does not know.
    case stepsSynced = "steps-synced"

    // The hub.

    /// Chunks are in a segment and not synced.
    case chunksAppended = "chunks-appended"
    /// They are synced, and the index does not know them.
    case chunksSynced = "chunks-synced"
    /// Changes are in the index and not committed.
    case commitOpen = "commit-open"
    /// They are committed, and nobody was told.
    case committed
    /// Chunks that were fetched are synced, and the index does not know them.
    case chunksKept = "chunks-kept"
    /// A join link is about to be used up.
    case tokenRedeeming = "token-redeeming"
    case tokenRedeemed = "token-redeemed"

    // The hub collects what nothing refers to.

    /// What may go is marked.
    case garbageMarked = "garbage-marked"
    /// Some of it is out of the index.
    case garbageRemoved = "garbage-removed"
    /// What is left of a segment is copied, and not synced.
    case segmentCopied = "segment-copied"
    /// It is synced, and the index does not know.
    case segmentSynced = "segment-synced"
    /// The index knows, and the old segment is still there.
    case segmentVacated = "segment-vacated"
    case segmentRemoved = "segment-removed"

    #if DEBUG
        /// What is done at each. Set once, at a program's start, before anything else runs.
        nonisolated(unsafe) package static var handler: (@Sendable (Failpoint) -> Void)?

        package func reach() { Self.handler?(self) }
    #else
        @inline(__always) package func reach() {}
    #endif
}
