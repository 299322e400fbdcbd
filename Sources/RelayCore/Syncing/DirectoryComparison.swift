// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What a directory was found to hold beside what the local tree has in it: both in the order of names, so
/// that one walk through both tells what is new, gone or as it was.
struct DirectoryComparison {
    /// In the order of their names.
    let entries: [FoundEntry]
    private let hidden: Set<EntryName>
    /// The known nodes that were not found, and that nothing hides.
    private(set) var vanished: [NodeID] = []
    /// Of each entry, the node that it is if nothing of it changed.
    private var unchanged: [NodeID?]
    /// The first entry whose name does not come before that of the node that was compared last.
    private var next = 0
    private var lastName: EntryName?

    init(_ found: [FoundEntry], hidden: [HiddenEntry]) {
        // Absence is concluded from the order: it is not taken on trust.
        let isOrdered = zip(found, found.dropFirst()).allSatisfy { $0.name < $1.name }
        entries = isOrdered ? found : found.sorted { $0.name < $1.name }
        self.hidden = Set(hidden.map(\.name))
        unchanged = Array(repeating: nil, count: entries.count)
    }

    /// Takes the next node of the local tree, in the order of names, of one name in that of ids.
    /// `isDoubtful`: it is to be looked into even if it is as it was.
    mutating func compare(_ id: NodeID, _ local: LocalState, isDoubtful: Bool) {
        let name = local.placement.name
        while next < entries.count, entries[next].name < name { next += 1 }
        guard next < entries.count, entries[next].name == name else {
            if !hidden.contains(name) { vanished.append(id) }
            return
        }
        // Of several nodes with one name, the first stands for it.
        if name != lastName, !isDoubtful, local.isAsKnown(entries[next]) { unchanged[next] = id }
        lastName = name
    }

    /// Splits those of the entries that are to be observed: nodes that are as they were, and entries of which
    /// something is new. `observed`: in the order of names.
    func split(_ observed: [FoundEntry]) -> (unchanged: [(FoundEntry, NodeID)], changed: [FoundEntry]) {
        var result: (unchanged: [(FoundEntry, NodeID)], changed: [FoundEntry]) = ([], [])
        var index = 0
        for entry in observed {
            while entries[index].name != entry.name { index += 1 }
            if let id = unchanged[index] {
                result.unchanged.append((entry, id))
            } else {
                result.changed.append(entry)
            }
            // A name that was listed twice is two entries, which may differ.
            index += 1
        }
        return result
    }
}

extension LocalState {
    /// Whether an entry of the same name is what is known already, so that observing it would change nothing.
    fileprivate func isAsKnown(_ found: FoundEntry) -> Bool {
        guard kind == found.kind.kind else { return false }
        switch found.kind {
        case .file: return isTrusted && payload != nil && fingerprint == found.fingerprint
        case .symlink(let target):
            return isTrusted && payload == .symlink(target: target) && fingerprint == found.fingerprint
        case .directory:
            return payload == .directory(mode: found.fingerprint.permissions)
                && fingerprint.mode == found.fingerprint.mode
                && fingerprint.identity == found.fingerprint.identity
        }
    }
}
