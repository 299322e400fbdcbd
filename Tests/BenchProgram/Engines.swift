// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayStorage

extension Measuring {
    /// What the engines and their databases take for new files, with no folder and no network.
    func engines() throws {
        let files = EngineFiles()
        try measure("agent: find, read and tell new files", .items(files.count, "file")) {
            try EngineRun(files)
        } work: { run in
            try run.tell()
        }
        try measure("agent: take in new files", .items(files.count, "file")) {
            try EngineRun(files)
        } work: { run in
            try run.takeIn()
        }
        let batches = files.batches
        try measure("hub: decide new files", .items(files.count, "file")) {
            try Self.makeIndex()
        } work: { state in
            let index = state.1
            let engine = HubEngine(
                index: index, chain: { Hashing.chain(after: $0, record: $1) }, offer: { _ in nil })
            let id = SubscriberID(1)
            let subscription = Subscription(cursor: nil)
            try index.transaction {
                keep(try engine.receive([.subscribed(id, DeviceID(Bytes32(1, 1, 1, 1)), subscription)]))
            }
            for batch in batches {
                try index.transaction { keep(try engine.receive([.commit(id, batch)])) }
            }
        }
    }
}

/// Files of 4 KiB in directories of a hundred.
private struct EngineFiles {
    let count = 10_000
    let perDirectory = 100
    let description: [ContentDescription]
    private static let time = Timestamp(seconds: 1_700_000_000, nanoseconds: 5)

    init() {
        var bytes = Samples.noise(4096)
        description = (0..<10_000).map { number in
            withUnsafeBytes(of: number) { bytes.replaceSubrange(0..<8, with: $0) }
            var builder = ContentBuilder()
            builder.append(bytes)
            return builder.finish()
        }
    }

    var directories: Int { count / perDirectory }
    static let root = FileIdentity(device: 1, inode: 2, born: time)

    static func name(_ number: Int) -> EntryName { EntryName("entry-\(number)") ?? .relayIgnore }

    static func fingerprint(inode: Int, mode: UInt16) -> Fingerprint {
        Fingerprint(
            identity: FileIdentity(device: 1, inode: UInt64(inode), born: time), sizeBytes: 4096,
            modified: time, changed: time, mode: mode)
    }

    func directory(_ number: Int) -> FoundEntry {
        FoundEntry(
            name: Self.name(number), kind: .directory,
            fingerprint: Self.fingerprint(inode: 100 + number, mode: 0o755))
    }

    func file(_ number: Int) -> FoundEntry {
        FoundEntry(
            name: Self.name(number), kind: .file,
            fingerprint: Self.fingerprint(inode: 1000 + number, mode: 0o644))
    }

    /// The number in a name.
    static func number(_ name: EntryName?) -> Int {
        Int(String(decoding: name?.bytes.dropFirst(6) ?? [], as: UTF8.self)) ?? 0
    }

    func listing(_ request: ScanRequest) -> ScanResult {
        guard case .directory(let path) = request else {
            return ScanResult(request: request, outcome: .absent)
        }
        if path.isRoot {
            let entries = (0..<directories).map { directory($0) }
            return ScanResult(request: request, outcome: .directory(Self.root, entries, hidden: []))
        }
        let parent = Self.number(path.name)
        let entries = (parent * perDirectory..<(parent + 1) * perDirectory).map { file($0) }
        let identity = directory(parent).fingerprint.identity
        return ScanResult(request: request, outcome: .directory(identity, entries, hidden: []))
    }

    /// All nodes in the order of the revisions that the hub gave them.
    var records: [NodeRecord] {
        (0..<directories + count).map { index in
            let revision = Revision(UInt64(index) + 1)
            let payload: Payload
            let placement: Placement
            if index < directories {
                payload = .directory(mode: PermissionBits(0o755))
                placement = Placement(parent: .root, name: Self.name(index))
            } else {
                let number = index - directories
                payload = .file(
                    FilePayload(
                        content: description[number].content, sizeBytes: 4096, mode: PermissionBits(0o644),
                        modified: Self.time))
                placement = Placement(
                    parent: Nodes.id(number / perDirectory), name: Self.name(number))
            }
            let state = NodeState(
                placement: placement, placementRevision: revision, payload: payload,
                payloadRevision: revision)
            return NodeRecord(
                node: Nodes.id(index), revision: revision, state: state, device: DeviceID(Bytes32(9, 9, 9, 9))
            )
        }
    }

    var pages: [ChangePage] {
        let records = records
        return stride(from: 0, to: records.count, by: 200).map { first in
            let part = records[first..<min(first + 200, records.count)]
            let offers = part.indices.compactMap { index -> ContentOffer? in
                guard index >= directories else { return nil }
                let description = description[index - directories]
                return ContentOffer(content: description.content, manifest: nil, inline: description.inline)
            }
            let through = Cursor(
                epoch: Epoch(high: 1, low: 1), revision: part.last?.revision ?? .zero, chain: .start)
            return ChangePage(
                records: Array(part), offers: offers, through: through,
                reachesHead: part.endIndex == records.count)
        }
    }

    var batches: [Batch] {
        let records = records
        return stride(from: 0, to: records.count, by: 200).map { first in
            let operations = records[first..<min(first + 200, records.count)].compactMap { record in
                record.state.map { state in
                    Operation.create(
                        node: record.node, placement: state.placement, payload: state.payload, origin: nil)
                }
            }
            return Batch(
                id: BatchID(high: 1, low: UInt64(first)), operations: operations, offers: [])
        }
    }
}

/// An agent's engine over its database, with answers to all that it wants done.
private final class EngineRun {
    private let files: EngineFiles
    private let scratch: Scratch
    private let replica: SQLiteReplica
    private let engine: AgentEngine<SQLiteReplica>
    private var revision: UInt64 = 0
    private var placed = 0
    private let pages: [ChangePage]
    private var now: Int64 = 1000

    init(_ files: EngineFiles) throws {
        self.files = files
        pages = files.pages
        scratch = try Scratch()
        replica = try SQLiteReplica(path: scratch.path + "/replica.sqlite")
        engine = AgentEngine(
            replica: replica, deviceName: "box", randomness: SystemRandomNumberGenerator())
    }

    func tell() throws {
        try run([.opened(root: EngineFiles.root, mayHaveLostWrites: false), .connected])
        guard revision == UInt64(files.count + files.directories) else {
            throw BenchError(text: "only \(revision) were told")
        }
    }

    func takeIn() throws {
        let empty = ScanOutcome.directory(EngineFiles.root, [], hidden: [])
        try run([.opened(root: EngineFiles.root, mayHaveLostWrites: false)], isEmpty: true)
        try run([.scanned([ScanResult(request: .directory(.root), outcome: empty)]), .connected])
        for page in pages { try run([.message(.changes(page))]) }
        guard placed == files.count else { throw BenchError(text: "only \(placed) were placed") }
    }

    private func run(_ inputs: [AgentInput], isEmpty: Bool = false) throws {
        var next = inputs
        while !next.isEmpty {
            now += 1
            let effects = try replica.transaction {
                try engine.receive(
                    next, now: Instant(milliseconds: now),
                    wallClock: Timestamp(seconds: 1_800_000_000, nanoseconds: 0))
            }
            next = effects.flatMap { answers(to: $0, isEmpty) }
        }
    }

    private func answers(to effect: AgentEffect, _ isEmpty: Bool) -> [AgentInput] {
        switch effect {
        case .readRules: return [.rules(.missing)]
        case .scan(let requests, _): return isEmpty ? [] : [.scanned(requests.map { files.listing($0) })]
        case .read(let requests): return [.read(requests.map { reading($0) })]
        case .stage(let request):
            return [.staged(node: request.node, content: request.payload.content, .ready(nil))]
        case .apply(let actions): return [.applied(actions.map { carriedOut($0) })]
        case .send(.subscribe):
            let welcome = Welcome(
                epoch: Epoch(high: 1, low: 1), head: .zero, resumes: true, answers: false, audits: true)
            let page = ChangePage(
                records: [], offers: [],
                through: Cursor(epoch: Epoch(high: 1, low: 1), revision: .zero, chain: .start),
                reachesHead: true)
            return [.message(.welcome(welcome)), .message(.changes(page))]
        case .send(.commit(let batch)):
            let revisions = batch.operations.map { _ in
                revision += 1
                return Revision(revision)
            }
            let last = Revision(revision)
            let page = ChangePage(
                records: [], offers: [],
                through: Cursor(epoch: Epoch(high: 1, low: 1), revision: last, chain: .start),
                reachesHead: true)
            return [
                .message(
                    .committed(
                        batch.id, answers: revisions.map { .accepted($0) },
                        decidedAt: Landmark(revision: last, chain: .start))),
                .message(.changes(page)),
            ]
        default: return []
        }
    }

    private func reading(_ request: ReadRequest) -> ReadResult {
        let number = EngineFiles.number(request.path.name)
        return ReadResult(
            node: request.node, path: request.path,
            outcome: .content(files.description[number], files.file(number).fingerprint, trusted: true))
    }

    private func carriedOut(_ action: ApplyAction) -> ApplyResult {
        let number = EngineFiles.number(action.step.path.name)
        switch action.step {
        case .makeDirectory:
            return ApplyResult(action: action, outcome: .done(files.directory(number).fingerprint))
        default:
            placed += 1
            return ApplyResult(action: action, outcome: .done(files.file(number).fingerprint))
        }
    }
}
