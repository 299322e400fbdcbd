// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// From hints to looks at the folder.

extension AgentEngine {
    func startFullScan() { scanDeeply(.root) }

    func take(_ hint: Hint) throws(StateError) {
        switch hint {
        case .deleted(let path):
            if let known = try nearestKnown(path), known.isWhole { deletions.insert(known.placement) }
            try take(.entry(path, writing: false))
        case .entry(let path, let isWriting):
            guard let known = try nearestKnown(path) else { return }
            if rules != nil, try isOfNoConcern(known.placement, isWhole: known.isWhole) { return }
            if known.isWhole { try scanOtherSpellings(of: known.placement) }
            let isOften = try isSavedOften(known.placement)
            if isWriting || isOften, known.isWhole {
                let last = writing[known.placement]?.last ?? now + EngineLimits.longestWriteMilliseconds
                writing[known.placement] = (min(now + EngineLimits.quietMilliseconds, last), last)
            } else {
                writing[known.placement] = nil
                scans.insert(entry: known.placement)
            }
        case .subtree(let path):
            guard let known = try nearestKnown(path) else {
                startFullScan()
                return
            }
            if rules != nil, try isOfNoConcern(known.placement, isWhole: known.isWhole) { return }
            scans.insert(entry: known.placement, isDeep: true)
        }
    }

    /// The place of the path's entry or, where a directory above it is not known yet, that directory's place;
    /// nil for the root.
    private func nearestKnown(
        _ path: RelativePath
    ) throws(StateError) -> (placement: Placement, isWhole: Bool)? {
        guard let last = path.name else { return nil }
        var parent = NodeID.root
        for name in path.components.dropLast() {
            let placement = Placement(parent: parent, name: name)
            guard let next = try replica.localChild(placement) else { return (placement, false) }
            parent = next
        }
        return (Placement(parent: parent, name: last), true)
    }

    func startScan() throws(StateError) {
        guard scanning == nil, applying == nil, rulesFile.isKnown, !rulesFile.isBeingRead else { return }
        var tasks: [ScanTask] = []
        var requests: [ScanRequest] = []
        let isEnough = hasEnoughToTell
        while requests.count < EngineLimits.scanRequests, let next = scans.popFirst(isEntry: isEnough) {
            let task = resolved(next)
            guard let request = try request(for: task) else {
                unknown[task.target] = nil
                finish(task)
                continue
            }
            tasks.append(task)
            requests.append(request)
        }
        guard !requests.isEmpty else {
            guard scans.isEmpty else { return }
            heirs = [:]
            deletions = []
            return
        }
        scanning = tasks
        let wishes: ReadingWishes =
            tasks.count <= EngineLimits.readingLooks ? try readingWishes(tasks, requests) : [:]
        effects.append(.scan(requests, reading: wishes))
    }

    /// Whether so much of what was found waits to be told, and is on its way, that the rest of the folder can
    /// wait: of a large tree only little is then kept in memory, and what is told next is at hand. Not while
    /// names are missing, of which is known only in the end what became of them.
    var hasEnoughToTell: Bool {
        guard isConnected, isFollowing, missing.isEmpty, readQueue.count + candidates.count >= foundAhead
        else { return false }
        return reading.count > largeReads.count || proposal != nil && now < answerDue
    }

    /// Who has not heard from the hub until then does not wait for it.
    var answerDue: Instant { answeredAt + EngineLimits.longestAnswerMilliseconds }

    /// Where a small file is worth reading at once. One that could not be read, or not be trusted, is read
    /// beside the looks, which are not to wait for it.
    private func readingWishes(
        _ tasks: [ScanTask], _ requests: [ScanRequest]
    ) throws(StateError) -> ReadingWishes {
        var wishes: ReadingWishes = [:]
        for (task, request) in zip(tasks, requests) {
            guard case .entry(let placement) = task.target, case .entry(let path) = request,
                try !isIgnored(placement)
            else { continue }
            let known = try replica.localChild(placement)
            if let known, readRetries[known] != nil || reading[known] != nil { continue }
            wishes[path] = .some(
                try known.flatMap { id throws(StateError) in try replica.node(id)?.local?.known })
        }
        return wishes
    }

    private func request(for task: ScanTask) throws(StateError) -> ScanRequest? {
        switch task.target {
        case .entry(let placement): try localPath(placement).map { .entry($0) }
        case .directory(let node): try localPath(node).map { .directory($0) }
        }
    }

    /// Counts a look of the full scan as done.
    private func finish(_ task: ScanTask) {
        guard case .directory = task.target else { return }
        deepScansLeft -= 1
        guard deepScansLeft == 0, rootScanDue == nil else { return }
        isScanned = true
        rulesFile.isNew = false
    }

    func scanDeeply(_ directory: NodeID) {
        if scans.insert(directory: directory) { deepScansLeft += 1 }
    }

    func scanned(_ results: [ScanResult]) throws(StateError) {
        guard let tasks = scanning else { return }
        scanning = nil
        scans.isStepsTurn = true
        for (task, result) in zip(tasks, results) {
            let task = resolved(task)
            try scanned(task, result.outcome)
            if let reading = result.reading { try took(reading, at: task.target) }
            if !result.outcome.isFailed { try sawAgain(task.target) }
            switch result.outcome {
            case .failed: if unknown[task.target] == nil { unknown[task.target] = now }
            case .absent, .entry, .directory: unknown[task.target] = nil
            }
            finish(task)
        }
    }

    private func scanned(_ task: ScanTask, _ outcome: ScanOutcome) throws(StateError) {
        switch (task.target, outcome) {
        case (.entry(let placement), .entry(let directory, let found)):
            let known = try identity(of: placement.parent)
            guard known == directory || SeededBug.mistakesDirectories.isMade else {
                try lookAgain(at: placement.parent)
                return
            }
            try observe(found, at: placement, isDeep: task.isDeep)
        case (.directory(let node), .directory(let directory, let entries, let hidden)):
            let known = try identity(of: node)
            guard known == directory || SeededBug.mistakesDirectories.isMade else {
                try lookAgain(at: node)
                return
            }
            try observe(entries, hidden: hidden, in: node)
        case (.entry(let placement), .absent): try lookAgain(at: placement.parent)
        case (.directory(let node), .absent): try lookAgain(at: node)
        case (.entry(let placement), .failed) where SeededBug.takesFailureForAbsence.isMade:
            try observe(nil, at: placement, isDeep: false)
        case (.entry(let placement), .failed(let problem)): try scanFailed(placement, problem)
        case (.directory(let node), .failed(let problem)):
            problems[node] = Reason(problem)
            if let placement = try replica.node(node)?.local?.placement {
                try scanFailed(placement, problem)
            } else if node == .root {
                rootScanDue = now + EngineLimits.unseenRetryMilliseconds
            }
        default: break
        }
    }

    func scanFailed(_ placement: Placement, _ problem: Problem) throws(StateError) {
        let known = try replica.localChild(placement)
        // What is mounted where nothing was shared is nobody's concern.
        if known == nil, problem.cause == .hidden { return }
        if rules != nil, try isIgnored(placement) { return }
        if let known { problems[known] = Reason(problem) }
        unseen[placement] = Reason(problem)
        rescans[placement] = now + EngineLimits.unseenRetryMilliseconds
    }

    /// One name of a directory could not be looked at: what is known of it stays, and what vanished elsewhere
    /// may have become it.
    func couldNotSee(_ entry: HiddenEntry, in directory: NodeID) throws(StateError) {
        let placement = Placement(parent: directory, name: entry.name)
        try scanFailed(placement, entry.problem)
        let target = ScanTask.Target.entry(placement)
        if entry.problem.cause != .hidden, unknown[target] == nil, try !isIgnored(placement) {
            unknown[target] = now
        }
    }

    /// What could not be looked at a moment ago could be now.
    private func sawAgain(_ target: ScanTask.Target) throws(StateError) {
        guard case .entry(let placement) = target, unseen.removeValue(forKey: placement) != nil,
            let known = try replica.localChild(placement)
        else { return }
        problems[known] = nil
    }

    /// The identity that a directory of the local tree must have.
    func identity(of directory: NodeID) throws(StateError) -> FileIdentity? {
        directory == .root ? root : try replica.node(directory)?.local?.fingerprint.identity
    }

    /// A directory is not where it was: looks at its own entry.
    func lookAgain(at directory: NodeID) throws(StateError) {
        guard directory != .root, let placement = try replica.node(directory)?.local?.placement,
            placement.parent != .limbo
        else { return }
        scans.insert(entry: placement, isDeep: true)
    }
}

extension ScanOutcome {
    fileprivate var isFailed: Bool {
        if case .failed = self { true } else { false }
    }
}
