// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Instants at which a test can end a program, to see that it loses nothing.
///
/// Only a build for debugging reaches them: in a release build `reach` costs nothing.
package enum Failpoint: String, CaseIterable, Sendable {
    // A program makes what it is known by.

    /// The key is on disk, its certificate is not.
    case identityKeyWritten = "identity-key-written"
    /// The agent's name is in a draft.
    case nameDrafted = "name-drafted"

    // The agent takes a folder on.

    /// The folder's own directory is there, without a marker.
    case ownDirectoryMade = "own-directory-made"
    /// The marker is in a draft.
    case markerDrafted = "marker-drafted"
    /// The folder has its marker; the hub knows nothing.
    case joinAdopted = "join-adopted"
    /// The hub has admitted the device; the agent has not written it down.
    case joinEnrolled = "join-enrolled"
    case joinRecorded = "join-recorded"
    /// The replica is made, and knows nothing.
    case replicaMade = "replica-made"
    /// What earlier runs staged in vain is gone.
    case stageSwept = "stage-swept"
    /// The run has its mark.
    case runMarked = "run-marked"
    /// The folder was checked for what a power cut may have taken, and has the old mark.
    case lossesChecked = "losses-checked"

    // The agent gives a folder up.

    /// The hub knows; here all is as before.
    case departureTold = "departure-told"
    /// What was parked is back in the folder.
    case parkVacated = "park-vacated"
    /// The folder has no marker any more.
    case markerRemoved = "marker-removed"
    /// The folder is one like any other, and is still known.
    case folderDissolved = "folder-dissolved"
    /// Its replica is gone, and it is still known.
    case replicaRemoved = "replica-removed"

    // The agent's engine.

    /// A turn's changes of the replica are made and not committed.
    case turnOpen = "turn-open"
    /// They are committed, and nothing of what is to be done has begun.
    case turnCommitted = "turn-committed"
    /// A page of the hub's changes is in the replica.
    case pageTaken = "page-taken"
    /// The hub's answers to a batch are in the replica.
    case answersTaken = "answers-taken"
    /// That the hub's history is another one is in the replica.
    case historyForked = "history-forked"
    /// The folder is held, and nobody knows.
    case holdBegun = "hold-begun"
    /// The hold was confirmed or rejected, and nothing is done about it.
    case holdEnded = "hold-ended"
    /// The hub was told how far the folder has come.
    case appliedTold = "applied-told"
    /// What a comparison found is kept, and its end is not told.
    case comparisonKept = "comparison-kept"
    /// A batch was handed to the connection.
    case batchSent = "batch-sent"
    /// A file was read, and nobody knows.
    case fileRead = "file-read"

    // The agent stages.

    case stageOpened = "stage-opened"
    /// A file was copied from one that is said to be the same, and not hashed.
    case twinCopied = "twin-copied"
    case stageWritten = "stage-written"
    /// All is in the staged file; nothing is synced.
    case stageComplete = "stage-complete"
    case stageSynced = "stage-synced"

    // The agent changes its folder.

    case placing
    /// A new file has its name.
    case placed
    /// A new link has its name.
    case linkMade = "link-made"
    /// A link that is to displace something is in a draft.
    case linkDrafted = "link-drafted"
    /// The record of an entry for the park is in a draft.
    case recordDrafted = "record-drafted"
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
    /// A parked entry that got a late write is back at its place, and its record is still there.
    case putBack = "put-back"
    /// The record of a file that is to be removed is written.
    case removalRecorded = "removal-recorded"
    /// A file that is to be removed stands in the park.
    case removalParked = "removal-parked"
    /// A directory is made, with a mode that is not the right one.
    case directoryMade = "directory-made"
    case directoryRemoved = "directory-removed"
    case moved
    /// A file has its new mode, and the old time.
    case modeSet = "mode-set"
    /// It has its new time too, and nothing is synced.
    case timeSet = "time-set"
    /// The note on a write-protected directory is written, and the directory is as it was.
    case looseningNoted = "loosening-noted"
    /// The directory is writable for a step.
    case loosened
    /// It has its own mode again, and the note is still there.
    case tightened
    /// A batch of steps is carried out and not synced.
    case stepsDone = "steps-done"
    /// It is synced, and the engine does not know.
    case stepsSynced = "steps-synced"

    // The agent does what a person asks for.

    /// An upload is complete and synced, and has no name in the folder.
    case uploadStaged = "upload-staged"
    /// A directory is made for a person, and not synced.
    case wantedDirectoryMade = "wanted-directory-made"
    /// A directory that a person removes has no files any more, and is there.
    case treeEmptied = "tree-emptied"

    // The hub.

    /// A new share has its files, and the registry does not know it.
    case shareMade = "share-made"
    case shareRegistered = "share-registered"
    /// A join link can be used, and nobody has it.
    case inviteRecorded = "invite-recorded"
    /// The index was put back from a copy, and has its new epoch.
    case epochRenewed = "epoch-renewed"
    /// A new segment is there, with nothing in it.
    case segmentMade = "segment-made"
    /// Chunks are in a segment and not synced.
    case chunksAppended = "chunks-appended"
    /// They are synced, and the index does not know them.
    case chunksSynced = "chunks-synced"
    /// Changes are in the index and not committed.
    case commitOpen = "commit-open"
    /// They are committed, and the index's witness knows less.
    case commitUnwitnessed = "commit-unwitnessed"
    /// They are committed, and nobody was told.
    case committed
    /// Chunks that were fetched are synced, and the index does not know them.
    case chunksKept = "chunks-kept"
    /// The index knows them, and those who wait do not.
    case chunksIndexed = "chunks-indexed"
    /// A chunk list that was fetched is in the index, and those who wait do not have it.
    case listKept = "list-kept"
    /// A damaged chunk is taken for missing, and nobody was asked for it.
    case chunkForgotten = "chunk-forgotten"
    /// A page of changes was handed to a connection.
    case pageSent = "page-sent"
    /// What a device said that it holds is in the index.
    case appliedSaved = "applied-saved"
    /// A join link is about to be used up.
    case tokenRedeeming = "token-redeeming"
    case tokenRedeemed = "token-redeemed"
    /// A device is a member no more, and is connected.
    case revocationRecorded = "revocation-recorded"
    /// A device is a member again, and the hub does not let it in.
    case readmissionRecorded = "readmission-recorded"
    /// A device that leaves is a member no more, and does not know.
    case departureRecorded = "departure-recorded"

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
