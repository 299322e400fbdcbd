// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// The agent's sync engine for one folder: keeps the folder and its share equal.
///
/// A deterministic machine: inputs go in, effects come out; it does no I/O but through its replica, and its
/// only clock is the one it is told. What it remembers for good are observations (the three trees); what is
/// to be done follows from them, so that it can be dropped at any instant and made anew over its replica.
///
/// The journey of a local change: hint → scan → (read) → proposal → answer → base. Of a remote change: page →
/// (stage) → apply → base. The owner runs each `receive` in one transaction of the replica and carries out
/// the effects afterwards. After an error the engine is dropped and a new one made.
package final class AgentEngine<Replica: ReplicaStore> {
    let replica: Replica
    let deviceName: String
    let device: DeviceID?
    let foundAhead: Int
    var randomness: any RandomNumberGenerator
    var nodeIDs = NodeIDSequence()

    var now = Instant(milliseconds: 0)
    var wallClock = Timestamp.zero
    var effects: [AgentEffect] = []
    var root: FileIdentity?
    /// Whether the folder's file system takes names that differ in case for one.
    var foldsNames = false
    /// Whether after a look at a file's times whatever changes it gives it others.
    var hasFineTimes = false

    // The hub.
    var isConnected = false
    /// Whether the connection waits for the first look through the folder.
    var isGreetingDue = false
    /// Whether the remote tree was, at some point since the start, the hub's tree of one moment.
    var isConsistent = false
    /// Whether the hub sends everything anew; nodes that it does not name are then unknown to it.
    var isReconciling = false
    var isFollowing = false
    /// Nothing is proposed before the feed has reached this revision.
    var awaitedRevision = Revision.zero
    /// What was sent to the hub and is not answered yet: over this connection, or over an earlier one.
    var proposal: Proposal?
    /// The batch that the hub was asked about when the connection began.
    var askedBatch: BatchID?
    var reportedRevision = Revision.zero
    /// Contents that were read and not yet committed, and those that came with the feed.
    var offers = OfferCache(limitBytes: EngineLimits.offerBytes)
    var feedOffers = OfferCache(limitBytes: EngineLimits.feedOfferBytes)
    var announcements = Announcements()

    // The folder.
    var scans = ScanQueue()
    var scanning: [ScanTask]?
    var deepScansLeft = 0
    /// Directories that got another identity while looks into them were waiting, with that identity.
    var heirs: [NodeID: NodeID] = [:]
    var isScanned = false
    /// Whether an earlier engine left nodes that were not in sync: the folder may hold steps of its that the
    /// local tree does not know. Nothing is decided then before the folder was looked through.
    var mayHoldUnrecorded = false
    /// Whether nothing was known of the share when the engine began: what it has may be in the folder.
    var isJoining = false
    /// Files that stand on another inode than the replica knew when the engine began.
    var replaced: Set<NodeID> = []
    /// What the folder may have lost, while that is being found out.
    var losses: LossCheck?
    /// Nodes that the replica keeps former states of.
    var formerNodes: Set<NodeID> = []
    /// Places that are looked at once more, since a node that stands elsewhere seems to have moved there.
    var secondLooks: Set<Placement> = []
    /// Nodes whose name vanished, and until when the other half of a move or save is waited for.
    var missing: [NodeID: Instant] = [:]
    /// Names that are about to be looked at since something was deleted there.
    var deletions: Set<Placement> = []
    /// Files that are being written: when to look, and when to look at the latest.
    var writing: [Placement: (quiet: Instant, last: Instant)] = [:]
    var rescans: [Placement: Instant] = [:]
    /// When files were saved, of those that were saved lately.
    var saves: [NodeID: SaveTimes] = [:]
    /// Why places could not be looked at.
    var unseen: [Placement: Reason] = [:]
    /// What cannot be looked at, since when.
    var unknown: [ScanTask.Target: Instant] = [:]
    var rootScanDue: Instant?
    var readQueue = UniqueQueue<NodeID>()
    /// Large files that wait until fewer of them are being read.
    var largeReadQueue = UniqueQueue<NodeID>()
    var largeReads: Set<NodeID> = []
    /// Files that are being read, and how much of each may come along, in bytes.
    var reading: [NodeID: Int] = [:]
    var readingBytes = 0
    /// Files that turned out to be others than they were while they were being read.
    var overtakenReads: Set<NodeID> = []
    var readRetries: [NodeID: Retry] = [:]
    /// Contents of files that may be being written, until they are taken or found changed.
    var drafts: [NodeID: ReadDraft] = [:]
    var applying: [PlannedApply]?
    /// Whether the hub's history has changed since the steps under way were planned.
    var areStepsOutdated = false
    /// Directories that get another identity only once no step is under way that may make something in them.
    var waitsForSteps = UniqueQueue<NodeID>()
    var applyingNodes: Set<NodeID> = []
    /// Nodes that stepped aside to a passing place, with where they stood before.
    var passing: [NodeID: Placement] = [:]
    var stagings: [NodeID: Staging] = [:]
    var stageQueue = UniqueQueue<NodeID>()
    var stageRetries: [NodeID: Instant] = [:]
    var stagingsUnderWay = 0

    // What is left out.
    /// Nil: nothing.
    var rules: IgnoreRules?
    var rulesFile = RulesFile()
    /// Nodes of the share that the rules leave out and of which the folder's tree has nothing.
    var ignored: Set<NodeID> = []
    /// Those that somebody wants removed all the same.
    var renounced: Set<NodeID> = []
    /// Whether some of them may not be left out any more.
    var isIgnoredOutdated = false
    /// Names for conflict copies that turned out to be taken by what is not shared.
    var takenNames: Set<Placement> = []

    // What to do.
    var unsettled: Set<NodeID> = []
    var dirty = UniqueQueue<NodeID>()
    var pullable = UniqueQueue<NodeID>()
    var candidates = UniqueQueue<NodeID>()
    /// When the last batch was answered or taken back.
    var answeredAt = Instant(milliseconds: 0)
    var waits = WaitList()
    var retries: [NodeID: Retry] = [:]
    /// Nodes whose local change the hub cannot take: the hub's state wins.
    var overruled: Set<NodeID> = []
    var problems: [NodeID: Reason] = [:]
    /// Files whose bytes changed with nothing else, as they were when that was found.
    var damaged: [NodeID: Fingerprint] = [:]
    var haltReason: String?
    /// Whether somebody said that what the engine stood still for is meant; until all of it is taken in.
    var isHoldConfirmed = false
    /// When a name last vanished, and since when one after the other does.
    var lastVanishing = Instant(milliseconds: 0)
    var vanishingSince = Instant(milliseconds: 0)
    /// When what had vanished was last taken for removed.
    var lastRemoval = Instant(milliseconds: -EngineLimits.settleMilliseconds)
    var successors = Successors()
    /// The one removal that is to be told early, if nothing else vanishes.
    var hasty: HastyRemoval?
    /// Since when removals wait for the end of those that are still going on.
    var removalsWaitSince: Instant?
    var removals = RecentCount()
    /// Nodes that were made in the folder a moment ago.
    var young = RecentNodes()
    /// Contents of files that are worth comparing, which this agent cut into chunks itself.
    var cutHere = RecentContents()
    /// Files that were replaced by older ones and are not in sync since.
    var reverted: Set<NodeID> = []
    var reverts = RecentCount()
    var announcedWake: Instant?
    /// The steps that are being collected for the next apply batch.
    var steps: [PlannedApply] = []
    var isBatchSealed = false

    /// `deviceName` is for conflict copies' names; `device` is as whom the hub knows this agent, by which a
    /// removal of its own is recognised after a power loss; `randomness` is for node and batch ids;
    /// `foundAhead` is how many files may wait to be read or told before the rest of the folder waits.
    package init(
        replica: Replica, deviceName: String, device: DeviceID? = nil, foundAhead: Int? = nil,
        randomness: any RandomNumberGenerator
    ) {
        self.foundAhead = foundAhead ?? EngineLimits.foundAhead
        self.replica = replica
        self.deviceName = deviceName
        self.device = device
        self.randomness = randomness
    }

    /// Takes in what happened, in order, and tells what to do now.
    ///
    /// `wallClock` is for the dates in conflict copies' names only.
    package func receive(
        _ inputs: [AgentInput], now: Instant, wallClock: Timestamp
    ) throws(StateError) -> [AgentEffect] {
        self.now = now
        self.wallClock = wallClock
        effects = []
        for input in inputs { try take(input) }
        try fireTimers()
        try proceed()
        return effects
    }

    private func take(_ input: AgentInput) throws(StateError) {
        switch input {
        case .opened(let identity, let mayHaveLostWrites, let foldsNames, let hasFineTimes):
            self.foldsNames = foldsNames
            self.hasFineTimes = hasFineTimes
            try open(identity, mayHaveLostWrites)
        case .connected:
            isConnected = true
            announcements = Announcements()
            isGreetingDue = true
        case .disconnected:
            isConnected = false
            isGreetingDue = false
            isFollowing = false
            // What was said last may be lost.
            reportedRevision = .zero
        case .message(let message): try take(message)
        case .hints(let hints): for hint in hints { try take(hint) }
        case .rules(let reading): try took(reading)
        case .scanned(let results): try scanned(results)
        case .read(let results): for result in results { try took(result) }
        case .staged(let node, let content, let outcome): try staged(node, content, outcome)
        case .applied(let results): try applied(results)
        case .retryStaging: retryStagings()
        case .rescan: if !SeededBug.ignoresRescan.isMade { startFullScan() }
        case .remove(let path): try removeRemote(path)
        case .confirmHold: try confirmHold()
        case .rejectHold: try rejectHold()
        case .verified(let differences): try verified(differences)
        case .tick: break
        }
    }

    private func open(_ identity: FileIdentity, _ mayHaveLostWrites: Bool) throws(StateError) {
        root = identity
        try openRules()
        proposal = replica.unanswered.map { Proposal($0) }
        formerNodes = Set(try replica.nodesWithFormerStates())
        var after: NodeID?
        while true {
            let page = try replica.unsynced(after: after, limit: 1000)
            for id in page {
                if rules != nil, let node = try replica.node(id), try isLeftOut(node), node.base == nil {
                    continue
                }
                unsettled.insert(id)
                dirty.insert(id)
                if let node = try replica.node(id), let local = node.local {
                    noteAge(of: node, local.fingerprint)
                }
            }
            guard page.count == 1000, let last = page.last else { break }
            after = last
        }
        if mayHaveLostWrites { try beginLossCheck() }
        isJoining = replica.cursor == nil
        mayHoldUnrecorded = !unsettled.isEmpty || !formerNodes.isEmpty
        for id in try replica.localChildren(of: .limbo) {
            missing[id] = now + EngineLimits.settleMilliseconds
        }
        vanishingSince = now
        if let hold = replica.hold { halt(hold.text) }
        startFullScan()
    }

    /// Runs until nothing more can be started: the queues in the order of a change's journey.
    private func proceed() throws(StateError) {
        guard root != nil else { return }
        startReadingRules()
        try lookBeside()
        if !scans.givesWay { try startScan() }
        try greet()
        try checkWhetherAllReturned()
        try concludeMissing()
        try considerAll()
        // What is pulled makes room for what is pushed and the other way round.
        for _ in 0..<EngineLimits.plannings {
            try startApply()
            try considerAll()
            try propose()
            try considerAll()
            guard canApply && !pullable.isEmpty || canPropose && !candidates.isEmpty else { break }
        }
        startReadingRules()
        try startReads()
        try startScan()
        sendAnnouncements()
        try startStagings()
        try forgetFormerStates()
        try concludeLossCheck()
        reportApplied()
        announceWake()
    }

    /// Asks the hub for its changes. Who joins with files in the folder can do without their contents, as
    /// long as it is not known which of them are needed.
    private func greet() throws(StateError) {
        guard isGreetingDue, isScanned || !isJoining else { return }
        isGreetingDue = false
        askedBatch = proposal?.id
        let hasEntries = try !replica.localChildren(of: .root).isEmpty
        let isBare = replica.cursor == nil && hasEntries
        let subscription = Subscription(
            cursor: replica.cursor, landmarks: try replica.landmarks(), unanswered: askedBatch,
            isBare: isBare)
        effects.append(.send(.subscribe(subscription)))
    }

    /// Whether the local tree can be trusted: in the beginning it may lack what the folder has, and what it
    /// says of nodes that an earlier engine left undone may be long out of date.
    private func canDecide() throws(StateError) -> Bool {
        // Who joins has nothing that could be lost, and much that may turn out to be left out.
        if rulesFile.isNew || isJoining && areRulesUncertain { return false }
        guard mayHoldUnrecorded || losses != nil || isJoining && !isScanned else { return true }
        guard isScanned else { return false }
        return try !isUncertain()
    }

    private func considerAll() throws(StateError) {
        guard try canDecide() else { return }
        reconsiderIgnored()
        if isJoining, let id = rulesFile.node, try areRulesOnTheirWay() {
            if dirty.contains(id) {
                dirty.remove(id)
                try consider(id)
            }
            return
        }
        while let id = dirty.popFirst() { try consider(id) }
    }

    // The replica's rows.

    /// Writes a node's row and keeps count of what is not in sync.
    func put(_ node: ReplicaNode) throws(StateError) {
        if reading[node.id] != nil,
            try replica.node(node.id)?.local?.fingerprint != node.local?.fingerprint
        {
            overtakenReads.insert(node.id)
        }
        if rules != nil { noteMove(from: try replica.node(node.id), to: node) }
        if foldsNames { noteFreedName(by: try replica.node(node.id), now: node) }
        try replica.put(node)
        noteRules(node)
        if !renounced.isEmpty, node.remote?.state == nil { renounced.remove(node.id) }
        if case .removed(let revision)? = node.remote, node.isEmpty {
            try replica.noteRemoval(of: node.id, at: revision)
        }
        let isLeftOut = try isLeftOut(node)
        if node.isEmpty || node.isInSync || isLeftOut || isSteadyInSync(node) {
            unsettled.remove(node.id)
            reverted.remove(node.id)
        } else {
            unsettled.insert(node.id)
        }
    }

    /// Whether nothing is to be done about the node but to read it again now and then.
    private func isSteadyInSync(_ node: ReplicaNode) -> Bool {
        guard readRetries[node.id]?.isSteady == true else { return false }
        var trusted = node
        trusted.local?.isTrusted = true
        return trusted.isInSync
    }

    /// Writes a node's row, plans the node anew, and lets those go on who waited for it.
    func putAndPlan(_ node: ReplicaNode) throws(StateError) {
        try put(node)
        dirty.insert(node.id)
        wake(node.id)
    }

    func wake(_ id: NodeID) {
        if SeededBug.forgetsWaiters.isMade { return }
        for waiter in waits.release(id) { dirty.insert(waiter) }
    }
}
