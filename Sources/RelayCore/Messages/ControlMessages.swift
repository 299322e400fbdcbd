// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What an agent tells its hub on the control connection, after the handshake.
package enum AgentMessage: Hashable, Sendable {
    /// Asks for every change after the cursor, and for all that follow.
    case subscribe(Subscription)
    case commit(Batch)
    /// Contents that batches will name in a moment, so that the hub has verified them by then: a batch that
    /// follows on the same connection names them without their bytes. Only to a hub that `keepsOffers`, and
    /// of no more bytes than `ContentOffer.limitAheadBytes` that no batch has named yet. Without contents:
    /// those that no batch has named are not needed.
    case offer([ContentOffer])
    /// The agent's folder durably holds everything up to this revision.
    case applied(Revision)
    /// Asks for a `pong` that follows everything that the hub has to tell at this moment.
    case ping(UInt64)
    case pong(UInt64)
    /// Asks for latest records of the hub's index after a revision, at most so many, to compare them. Only to
    /// a hub that `audits`. The number comes back with the answer.
    case audit(UInt64, after: Revision, limit: Int)
    /// Gives the membership of the share up. Answered by a goodbye: `left`, or why not; with `needed` when
    /// nobody else has contents that the hub lacks, unless it is forced.
    case leave(isForced: Bool)
}

/// What a hub tells an agent on the control connection, after the handshake.
package enum HubMessage: Hashable, Sendable {
    /// The answer to `subscribe`.
    case welcome(Welcome)
    /// The next page of the change feed.
    case changes(ChangePage)
    /// The answer to `commit`: one answer an operation, in order.
    ///
    /// Comes before the page of changes that covers the batch's revisions. That page leaves out nodes that
    /// only this batch changed: the agent knows them from its own operations and these answers.
    case committed(BatchID, answers: [OperationAnswer], decidedAt: Landmark)
    case ping(UInt64)
    case pong(UInt64)
    /// Why the hub decides no commits at present, for people; nil: it does again. Commits wait meanwhile, and
    /// nothing else does.
    case trouble(String?)
    /// The answer to `audit`.
    case audited(UInt64, AuditPage)
    /// The last message before the hub closes the connection; the text is for people.
    case goodbye(RefusalReason, String)
}

/// What an agent asks for with `subscribe`.
package struct Subscription: Hashable, Sendable {
    /// The feed goes on after it; nil: from the beginning.
    package var cursor: Cursor?
    /// Where in the hub's history the agent was before, by which the hub finds out what they have in common
    /// when it does not know the cursor; in the order of the revisions.
    package var landmarks: [Landmark]
    /// The batch that an earlier connection carried and that was not answered.
    package var unanswered: BatchID?
    /// Whether what there is already comes without contents, since the folder may have them.
    package var isBare: Bool

    package init(
        cursor: Cursor?, landmarks: [Landmark] = [], unanswered: BatchID? = nil, isBare: Bool = false
    ) {
        self.cursor = cursor
        self.landmarks = landmarks
        self.unanswered = unanswered
        self.isBare = isBare
    }
}

package struct Welcome: Hashable, Sendable {
    package var epoch: Epoch
    /// The share's newest revision.
    package var head: Revision
    /// Whether the feed goes on from the cursor. If not, every live node and tombstone follows from the
    /// beginning, and what does not come was lost by the hub, not removed.
    package var resumes: Bool
    /// Whether `committed` follows for the unanswered batch. If not, it is not known, and never will be.
    package var answers: Bool
    /// If the feed does not go on: up to here hub and agent have their history in common, as far as the
    /// landmarks tell.
    package var common: Revision
    /// Whether the hub answers `audit`; those of earlier versions do not.
    package var audits: Bool
    /// Whether the hub takes `offer`; those of earlier versions do not.
    package var keepsOffers: Bool

    package init(
        epoch: Epoch, head: Revision, resumes: Bool, answers: Bool, common: Revision = .zero, audits: Bool,
        keepsOffers: Bool = false
    ) {
        self.epoch = epoch
        self.head = head
        self.resumes = resumes
        self.answers = answers
        self.common = common
        self.audits = audits
        self.keepsOffers = keepsOffers
    }
}

/// One page of the change feed: each node at most once, in the order of their revisions.
package struct ChangePage: Hashable, Sendable {
    package var records: [NodeRecord]
    /// Small contents and short manifests of the records' payloads, where the hub has them at hand.
    package var offers: [ContentOffer]
    /// The cursor once the page is taken in.
    package var through: Cursor
    /// Whether the page reaches the share's newest revision of that moment.
    package var reachesHead: Bool

    package init(records: [NodeRecord], offers: [ContentOffer], through: Cursor, reachesHead: Bool) {
        self.records = records
        self.offers = offers
        self.through = through
        self.reachesHead = reachesHead
    }

    /// The most records in one page.
    package static let limitRecords = 2000
    /// The most bytes that one page may take when encoded.
    package static let limitBytes = 900 << 10
}

/// Why a hub ends a connection.
package enum RefusalReason: UInt8, Hashable, Sendable {
    case unsupportedVersion = 1
    case unknownDevice = 2
    case badToken = 3
    case unknownShare = 4
    case malformed = 5
    case limit = 6
    case shuttingDown = 7
    case failure = 8
    /// The same device opened a newer connection for the share.
    case superseded = 9
    /// Somebody at the hub took the device's access to the share back.
    case revoked = 10
    /// The device left the share, as it asked to.
    case left = 11
    /// The device asked to leave, and alone has contents of the share.
    case needed = 12
}
