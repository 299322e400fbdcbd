// SPDX-License-Identifier: Apache-2.0

import RelaySimulation

@testable import RelayCore

/// An agent's engine over a replica in memory, told line by line what its folder and its hub say.
final class AgentConversation {
    static let rootIdentity = FileIdentity(device: 1, inode: 2, born: .zero)
    static let epoch = Epoch(high: 7, low: 7)

    let replica = MemoryReplica()
    private(set) var engine: AgentEngine<MemoryReplica>
    private(set) var now: Int64 = 1000
    /// What is found whenever the rules are to be read.
    var rules = RulesReading.missing

    init(foundAhead: Int? = nil) { engine = Self.makeEngine(replica, foundAhead) }

    private static func makeEngine(
        _ replica: MemoryReplica, _ foundAhead: Int? = nil
    ) -> AgentEngine<MemoryReplica> {
        AgentEngine(
            replica: replica, deviceName: "box", foundAhead: foundAhead,
            randomness: SystemRandomNumberGenerator())
    }

    /// Says all this at once, so much later than before; what was decided then survives a restart.
    @discardableResult
    func say(_ inputs: AgentInput..., after milliseconds: Int64 = 1) throws -> [AgentEffect] {
        now += milliseconds
        var effects: [AgentEffect] = []
        var next = inputs
        while !next.isEmpty {
            let more = try engine.receive(
                next, now: Instant(milliseconds: now), wallClock: Timestamp(seconds: 0, nanoseconds: 0))
            replica.commit()
            effects += more.filter { !$0.readsRules }
            next = more.contains(where: \.readsRules) ? [.rules(rules)] : []
        }
        return effects
    }

    /// A new engine over the same replica, as after a crash.
    func restart() { engine = Self.makeEngine(replica) }

    /// Opens an empty folder on an empty share.
    func begin() throws {
        try say(.opened(root: Self.rootIdentity, mayHaveLostWrites: false))
        try say(.scanned([Self.listing([])]))
        try say(.connected)
        try say(.message(.welcome(Self.welcome())), .message(.changes(Self.page([]))))
    }

    // What the hub says.

    static func welcome(answers: Bool = false) -> Welcome {
        Welcome(epoch: epoch, head: .zero, resumes: true, answers: answers, audits: true)
    }

    static func page(_ records: [NodeRecord], through revision: UInt64 = 0) -> ChangePage {
        let through = Cursor(epoch: epoch, revision: Revision(revision), chain: .start)
        return ChangePage(records: records, offers: [], through: through, reachesHead: true)
    }

    static let start = Landmark(revision: .zero, chain: .start)

    /// Accepts all of the batch, as revisions from `first` on.
    static func accept(_ batch: Batch, from first: UInt64) -> HubMessage {
        let revisions = batch.operations.indices.map { Revision(first + UInt64($0)) }
        return .committed(
            batch.id, answers: revisions.map { .accepted($0) },
            decidedAt: Landmark(revision: revisions.last ?? .zero, chain: .start))
    }

    // What the folder says.

    static func identity(_ inode: UInt64) -> FileIdentity {
        FileIdentity(device: 1, inode: inode, born: Timestamp(seconds: 1, nanoseconds: 1))
    }

    static func fingerprint(_ inode: UInt64, mode: UInt16) -> Fingerprint {
        Fingerprint(
            identity: identity(inode), sizeBytes: 4096, modified: Timestamp(seconds: 5, nanoseconds: 0),
            changed: Timestamp(seconds: 5, nanoseconds: 0), mode: mode)
    }

    static func directory(_ name: String, _ inode: UInt64) -> FoundEntry {
        FoundEntry(
            name: Fixture.name(name), kind: .directory, fingerprint: fingerprint(inode, mode: 0o755))
    }

    static func file(_ name: String, _ inode: UInt64) -> FoundEntry {
        FoundEntry(name: Fixture.name(name), kind: .file, fingerprint: fingerprint(inode, mode: 0o644))
    }

    static func link(_ name: String, to target: String, _ inode: UInt64) -> FoundEntry {
        FoundEntry(
            name: Fixture.name(name), kind: .symlink(target: Array(target.utf8)),
            fingerprint: fingerprint(inode, mode: 0o777))
    }

    static func path(_ text: String) -> RelativePath {
        RelativePath(text.split(separator: "/").map { Fixture.name(String($0)) })
    }

    /// The answer to a look into a directory; the root by default.
    static func listing(
        _ entries: [FoundEntry], in path: String = "", _ identity: FileIdentity = rootIdentity,
        hidden: [String] = []
    ) -> ScanResult {
        ScanResult(
            request: .directory(Self.path(path)),
            outcome: .directory(identity, entries, hidden: hidden.map { mount(at: $0) }))
    }

    static func result(_ request: ReadRequest, _ outcome: ReadOutcome) -> ReadResult {
        ReadResult(node: request.node, path: request.path, outcome: outcome)
    }

    static func mount(at name: String) -> HiddenEntry {
        HiddenEntry(
            name: Fixture.name(name), problem: Problem(.hidden, "another file system is mounted over it"))
    }
}

/// Directories of a folder by their paths, each with what it holds.
typealias FolderModel = [String: [FoundEntry]]

extension AgentConversation {
    /// Lets the engine look at such a folder until it has seen enough; returns all that it wants done.
    func showing(_ model: FolderModel, _ effects: [AgentEffect]) throws -> [AgentEffect] {
        var all = effects
        var looks = effects.looks
        while !looks.isEmpty {
            let results = looks.map { ScanResult(request: $0, outcome: Self.outcome(of: $0, in: model)) }
            let next = try say(.scanned(results))
            all += next
            looks = next.looks
        }
        return all
    }

    private static func outcome(of look: ScanRequest, in model: FolderModel) -> ScanOutcome {
        switch look {
        case .entry(let path):
            guard let directory = identity(of: path.parent, in: model) else { return .absent }
            let entries = model[path.parent.isRoot ? "" : "\(path.parent)"] ?? []
            return .entry(directory: directory, entries.first { $0.name == path.name })
        case .directory(let path):
            guard let directory = identity(of: path, in: model) else { return .absent }
            return .directory(directory, model[path.isRoot ? "" : "\(path)"] ?? [], hidden: [])
        }
    }

    private static func identity(of path: RelativePath, in model: FolderModel) -> FileIdentity? {
        if path.isRoot { return rootIdentity }
        let entries = model[path.parent.isRoot ? "" : "\(path.parent)"] ?? []
        return entries.first { $0.name == path.name && $0.kind == .directory }?.fingerprint.identity
    }
}

extension AgentEffect {
    var readsRules: Bool { if case .readRules = self { true } else { false } }
}

extension [AgentEffect] {
    /// The batch that is sent to the hub.
    var batch: Batch? {
        for case .send(.commit(let batch)) in self { return batch }
        return nil
    }

    /// Where the engine wants to look.
    var looks: [ScanRequest] {
        for case .scan(let requests, _) in self { return requests }
        return []
    }

    var reads: [ReadRequest] {
        flatMap { effect -> [ReadRequest] in if case .read(let requests) = effect { requests } else { [] } }
    }

    var stages: [StageRequest] {
        compactMap { effect in if case .stage(let request) = effect { request } else { nil } }
    }

    var actions: [ApplyAction] {
        for case .apply(let actions) in self { return actions }
        return []
    }

    var steps: [ApplyStep] { actions.map(\.step) }

    var subscription: Subscription? {
        for case .send(.subscribe(let subscription)) in self { return subscription }
        return nil
    }
}
