// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A place to look at, by node: paths are made when the look is asked for.
struct ScanTask: Hashable {
    enum Target: Hashable {
        case entry(Placement)
        case directory(NodeID)
    }
    var target: Target
    /// For an entry: whether a directory that is found there is looked through, though it is known. Looking
    /// through a directory always goes on into those beneath it.
    var isDeep: Bool
}

/// Places that wait to be looked at. Single entries go first: somebody just saved there.
struct ScanQueue {
    private var entries = UniqueQueue<ScanTask>()
    private var directories = UniqueQueue<ScanTask>()
    /// Whether looks were made since the last steps.
    var isStepsTurn = false

    var isEmpty: Bool { entries.isEmpty && directories.isEmpty }

    /// Whether nothing waits that is more pressing than what others changed: a long look through the folder
    /// and their steps take turns.
    var givesWay: Bool { entries.isEmpty && isStepsTurn }

    mutating func insert(entry placement: Placement, isDeep: Bool = false) {
        entries.insert(ScanTask(target: .entry(placement), isDeep: isDeep))
    }

    /// Whether a directory that is found there is to be looked through.
    func containsDeep(entry placement: Placement) -> Bool {
        entries.contains(ScanTask(target: .entry(placement), isDeep: true))
    }

    /// False if the directory waits already.
    mutating func insert(directory: NodeID) -> Bool {
        directories.insert(ScanTask(target: .directory(directory), isDeep: true))
    }

    /// Gives back room that was needed once.
    mutating func shrink() {
        entries.shrink()
        directories.shrink()
    }

    /// `isEntry`: directories go on waiting.
    mutating func popFirst(isEntry: Bool) -> ScanTask? {
        entries.popFirst() ?? (isEntry ? nil : directories.popFirst())
    }
}
