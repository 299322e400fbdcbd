// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What the agent's own last steps left at places in the folder, by which the hints that follow those steps
/// are told from news.
///
/// A hint is dropped only where a look finds the very fingerprint that the engine was told of: looking there
/// again would tell it nothing. Whatever else looks at a place makes it forgotten here, so that the engine
/// never knows less of a place than this does.
package struct Echoes: Sendable {
    /// What is at a place.
    package enum Trace: Hashable, Sendable {
        case nothing
        case entry(Fingerprint)
    }

    /// By directory and name.
    private typealias Generation = [RelativePath: [EntryName: Trace]]
    private var late: Generation = [:]
    private var early: Generation = [:]
    private var lateCount = 0
    /// Where steps are under way.
    private var expected: Set<RelativePath> = []
    /// Twice as many are kept at most.
    private static let limit = 2048

    package init() {}

    package var isEmpty: Bool { late.isEmpty && early.isEmpty && expected.isEmpty }

    /// Whether the hint may be of the agent's own steps: it is to be looked into after those under way.
    package func mayExplain(_ hint: Hint) -> Bool {
        switch hint {
        case .entry(let path, writing: _), .deleted(let path):
            expected.contains(path) || trace(at: path) != nil
        case .subtree: false
        }
    }

    /// Such steps are about to be carried out.
    package mutating func expect(_ actions: [ApplyAction]) {
        for action in actions {
            switch action.step {
            case .move(let from, let to, _, .some): expected.formUnion([from, to])
            default: if action.step.isOfOneFile { expected.insert(action.step.path) }
            }
        }
    }

    /// Takes in what became of all those, in their order.
    package mutating func note(_ results: [ApplyResult]) {
        expected = []
        for result in results {
            let step = result.action.step
            forget(step.path)
            switch step {
            case .move(let from, _, _, _) where result.outcome.isOfUnwrittenFile: forget(from)
            case .move(let from, let to, _, _):
                forget(from)
                forgetTree(from)
                forgetTree(to)
            // What is beneath the directories in it was forgotten with them, or is when they are made.
            case .makeDirectory(let path, _), .removeDirectory(let path, _): forget(.directory(path))
            case .placeFile, .makeSymlink, .setMetadata, .remove: break
            }
            switch (step, result.outcome) {
            case (.move(let from, let to, _, _), .movedUnwritten(let fingerprint)):
                keep(.nothing, at: from)
                keep(.entry(fingerprint), at: to)
            case (_, .done(let fingerprint)) where step.isOfOneFile:
                keep(fingerprint.map { .entry($0) } ?? .nothing, at: step.path)
            default: break
            }
        }
    }

    private mutating func keep(_ trace: Trace, at path: RelativePath) {
        guard let name = path.name else { return }
        late[path.parent, default: [:]][name] = trace
        lateCount += 1
        guard lateCount >= Self.limit else { return }
        early = late
        late = [:]
        lateCount = 0
    }

    /// Somebody looks there.
    package mutating func forget(_ request: ScanRequest) {
        switch request {
        case .entry(let path): forget(path)
        case .directory(let path):
            late[path] = nil
            early[path] = nil
        }
    }

    /// Whether what is at the place of a hint is just what the agent's own steps left there. `look` finds it
    /// out; nil where it cannot be told.
    package mutating func explains(_ hint: Hint, _ look: (RelativePath) -> Trace?) -> Bool {
        switch hint {
        case .entry(let path, writing: false), .deleted(let path):
            guard let trace = trace(at: path) else { return false }
            if look(path) == trace { return true }
            forget(path)
        case .entry(let path, writing: true): forget(path)
        case .subtree: break
        }
        return false
    }

    private func trace(at path: RelativePath) -> Trace? {
        guard let name = path.name else { return nil }
        return late[path.parent]?[name] ?? early[path.parent]?[name]
    }

    private mutating func forget(_ path: RelativePath) {
        guard let name = path.name else { return }
        Self.forget(name, in: path.parent, of: &late)
        Self.forget(name, in: path.parent, of: &early)
    }

    /// Another directory may stand there by now.
    private mutating func forgetTree(_ path: RelativePath) {
        for directory in late.keys where directory.isWithin(path) { late[directory] = nil }
        for directory in early.keys where directory.isWithin(path) { early[directory] = nil }
    }

    private static func forget(_ name: EntryName, in parent: RelativePath, of generation: inout Generation) {
        guard let index = generation.index(forKey: parent) else { return }
        generation.values[index][name] = nil
        if generation.values[index].isEmpty { generation.remove(at: index) }
    }
}

extension ApplyOutcome {
    fileprivate var isOfUnwrittenFile: Bool { if case .movedUnwritten = self { true } else { false } }
}

extension ApplyStep {
    /// Whether it makes, changes or removes one file or link; what a directory is like depends on what others
    /// do within it.
    fileprivate var isOfOneFile: Bool {
        switch self {
        case .placeFile, .makeSymlink, .remove: true
        case .setMetadata(_, _, _, let modified): modified != nil
        case .makeDirectory, .move, .removeDirectory: false
        }
    }
}
