// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A content on its way into the folder's staging area.
struct Staging {
    enum Progress: Hashable {
        /// Waits until fewer others are under way.
        case queued
        case requested
        case ready
        case waiting(for: [String])
        case failed(Problem)
    }
    var payload: FilePayload
    var progress: Progress
    /// How often it failed in a row.
    var failures = 0
}

/// A name that was deleted while nothing else was removed, whose removal need not wait as long as others.
struct HastyRemoval {
    var node: NodeID
    /// Whether what is beside it was looked at.
    var wasLookedBeside = false
}

/// Something that is tried again after a while.
struct Retry {
    /// Nil once it was due.
    var due: Instant?
    var attempts: Int
    /// Of a file that programs may change without a trace: whether it stays the same from reading to reading.
    var isSteady = false

    /// Whether it failed, but not so often that it seems to fail for good.
    var isFresh: Bool { (1..<6).contains(attempts) }
}

/// Limits of the agent's engine.
enum EngineLimits {
    static let scanRequests = 256
    /// So many files wait to be read or told before more of the folder is looked through, while the hub
    /// answers within this time.
    static let foundAhead = 4096
    static let longestAnswerMilliseconds: Int64 = 10_000
    /// Of so few looks, small files that are found are read at once: a save is on its way one turn sooner.
    static let readingLooks = 4
    /// How often in one turn what is to be done is gone through again, when it led to more.
    static let plannings = 8
    static let reads = 256
    /// About so many bytes come along with what is read at a time.
    static let readingBytes = 4 << 20
    /// Reads of large files among those, so that they keep no small one waiting.
    static let largeReads = 8
    /// While so many files are being read, a batch waits until it has so many nodes, or so long.
    static let manyReadings = 32
    static let fullBatch = 256
    /// While so many nodes wait for the answer to a batch, contents go ahead of theirs.
    static let announcing = 2
    /// The most operations of a batch: what others say meanwhile waits for it.
    static let batchOperations = 512
    static let longestGatheringMilliseconds: Int64 = 50
    static let largeFileBytes: UInt64 = 8 << 20
    /// Files from this size on are compared with their former chunks when they are read.
    static let comparedFileBytes: UInt64 = 1 << 20
    static let applySteps = 256
    static let stagings = 256
    /// Bytes of contents that were read and wait for their commit.
    static let offerBytes = 4 << 20
    /// Bytes of contents that came with the feed and wait to be placed.
    static let feedOfferBytes = 8 << 20
    /// How long a vanished name may take to come back or turn up elsewhere.
    static let settleMilliseconds: Int64 = 100
    /// How long removals wait for more of them, as long as each name vanishes so soon after the last.
    static let longestVanishingMilliseconds: Int64 = 1000
    /// How long a name that was deleted, and no other with it, may take to come back: some programs save by
    /// deleting first.
    static let deletionMilliseconds: Int64 = 12
    /// How many names beside it are looked at before its removal is told.
    static let looksBeside = 16
    /// How long a place that cannot be looked at is waited for, since a vanished node may be there.
    static let uncertaintyMilliseconds: Int64 = 15_000
    /// How long a file that is being written must pause before it is read.
    static let quietMilliseconds: Int64 = 400
    /// After so long a file that is written without a pause is looked at all the same.
    static let longestWriteMilliseconds: Int64 = 5000
    /// A file that got so many contents within this time is looked at when it pauses, and stays so as long as
    /// it is saved within the second time.
    static let quickSaves = 3
    static let quickSavesMilliseconds: Int64 = 3000
    static let saveStreakMilliseconds: Int64 = 1000
    static let trackedSaves = 1000
    /// How long to wait before a fingerprint that is too young is looked at again, at first and at last.
    static let distrustMilliseconds: Int64 = 25
    /// Fewer removals, or reverts, than this are never held.
    static let heldRemovals = 10
    static let heldReverts = 10
    /// So many removals wait for the end of those that are still going on.
    static let manyRemovals = 100
    /// More removals within a minute than this are held however large the share is.
    static let limitRemovals = 10_000
    /// How long no name must have vanished before many removals are judged, and how long that is waited for.
    static let removalQuietMilliseconds: Int64 = 1000
    static let longestRemovalMilliseconds: Int64 = 10_000
    /// How long what was written may take to reach the disk: what changed so long before the end of a run may
    /// be lost by a power cut.
    static let unwrittenSeconds: Int64 = 600
    static let lastDistrustMilliseconds: Int64 = 30_000
    /// So often a file is found open for writing before it is read all the same.
    static let busyReads = 3
    /// So often a file that cannot be trusted is found the same before it is taken to be in sync: by then, a
    /// fingerprint that was merely too young can be trusted.
    static let steadyReadings = 7
    /// How long to wait before what could not be looked at is looked at again.
    static let unseenRetryMilliseconds: Int64 = 5000
    /// How long the file of rules must be gone before there are no rules any more.
    static let rulesAbsenceMilliseconds: Int64 = 1000
    /// How long rules of the share that are on their way here are waited for.
    static let rulesPatienceMilliseconds: Int64 = 30_000
    /// So often the file of rules is found open for writing before it is read all the same.
    static let busyRulesReads = 12
    static let takenNames = 1000
    static let firstRetryMilliseconds: Int64 = 20
    static let lastRetryMilliseconds: Int64 = 30_000
    /// How long to wait before unavailable content is asked for again unprompted.
    static let stagingRetryMilliseconds: Int64 = 30_000
    /// How long to wait before content that could not be staged is tried again, at first and at last, and at
    /// last where the disk is full.
    static let failedStagingMilliseconds: Int64 = 1000
    static let lastFailedStagingMilliseconds: Int64 = 8000
    static let lastFullDiskMilliseconds: Int64 = 60_000
}
