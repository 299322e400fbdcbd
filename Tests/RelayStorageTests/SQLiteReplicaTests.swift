// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage
import Testing

@Suite struct SQLiteReplicaTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("state/replica.db") }

    private struct Refusal: Error, Equatable {}

    init() throws { directory = try TemporaryDirectory() }

    @Test(arguments: ReplicaRule.allCases) func `it does what every replica does`(_ rule: ReplicaRule) throws
    {
        let replica = try SQLiteReplica(path: path)
        try replica.transaction { () throws in try rule.check(replica) }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `it answers as the model does, across transactions, roll backs and reopening`(_ seed: UInt64) throws
    {
        var model = ReplicaModel(seed: seed)
        var replica = try SQLiteReplica(path: path)
        for round in 0..<12 {
            try replica.transaction { () throws in for _ in 0..<30 { try model.step(replica) } }
            #expect(throws: Refusal.self) {
                try replica.transaction { () throws in
                    var doomed = model
                    for _ in 0..<30 { try doomed.step(replica) }
                    throw Refusal()
                }
            }
            try replica.transaction { () throws in try model.expect(replica) }
            if round.isMultiple(of: 3) {
                replica.close()
                replica = try SQLiteReplica(path: path)
                try replica.transaction { () throws in try model.expect(replica) }
            }
            let counts = try replica.counts()
            #expect(counts.nodes == model.nodes.count)
            #expect(counts.unsynced == model.nodes.values.filter { !$0.isInSync }.count)
        }
    }

    @Test func `more nodes than the cache holds are all given back`() throws {
        let replica = try SQLiteReplica(path: path)
        let nodes = try (0..<10_000 as Range<UInt64>).map { try Sample.synced($0, "n\($0)") }
        try replica.transaction { () throws in for node in nodes { try replica.put(node) } }
        try replica.transaction { () throws in
            for node in nodes { #expect(try replica.node(node.id) == node) }
        }
        #expect(try replica.counts() == (10_000, 0))
    }

    @Test func `cursor, settings and manifests survive reopening`() throws {
        let cursor = Cursor(epoch: Epoch(high: 1, low: 2), revision: Revision(3), chain: Sample.chain(4))
        let manifest = Manifest([ChunkReference(id: Sample.chunk(1), sizeBytes: 5)])
        var replica = try SQLiteReplica(path: path)
        try replica.transaction { () throws in
            try replica.setCursor(cursor)
            try replica.putManifest(manifest, for: Sample.content(1))
            try replica.setSetting("inside", [1])
        }
        try replica.setSetting("outside", [])
        try replica.setSetting("gone", [2])
        try replica.setSetting("gone", nil)
        replica.close()
        replica = try SQLiteReplica(path: path)
        #expect(replica.cursor == cursor)
        #expect(try replica.setting("inside") == [1])
        #expect(try replica.setting("outside") == [])
        #expect(try replica.setting("gone") == nil)
        try replica.transaction { () throws in #expect(try replica.manifest(Sample.content(1)) == manifest) }
    }

    @Test func `a roll back takes the cursor back`() throws {
        let replica = try SQLiteReplica(path: path)
        let cursor = Cursor(epoch: Epoch(high: 1, low: 2), revision: Revision(3), chain: Sample.chain(4))
        #expect(throws: Refusal()) {
            try replica.transaction { () throws in
                try replica.setCursor(cursor)
                throw Refusal()
            }
        }
        #expect(replica.cursor == nil)
    }

    @Test func `calls outside of a transaction are errors`() throws {
        let replica = try SQLiteReplica(path: path)
        let node = try Sample.synced(1, "a")
        #expect(throws: StateError.self) { try replica.put(node) }
        #expect(throws: StateError.self) { try replica.node(node.id) }
        #expect(throws: StateError.self) { try replica.localChild(try Sample.placement("a")) }
        #expect(throws: StateError.self) { try replica.setCursor(nil) }
        try replica.transaction { () throws in
            try replica.put(node)
            #expect(throws: StateError.self) { try replica.transaction {} }
        }
        #expect(throws: StateError.self) { try replica.node(node.id) }
        try replica.transaction { () throws in #expect(try replica.node(node.id) == node) }
    }

    @Test func `manifests that nothing refers to are swept`() throws {
        let replica = try SQLiteReplica(path: path)
        try replica.transaction { () throws in
            for number in 1...4 as ClosedRange<UInt64> {
                try replica.putManifest(Manifest([]), for: Sample.content(number))
            }
            let local = try Sample.local("a", Sample.file(1), inode: 1, isTrusted: false)
            try replica.put(ReplicaNode(id: Sample.node(1), local: local))
            let state = try Sample.state("b", Sample.file(2), revision: 1)
            try replica.put(ReplicaNode(id: Sample.node(2), remote: .live(state)))
            #expect(try replica.sweepManifests() == 2)
            #expect(try replica.manifest(Sample.content(1)) != nil)
            #expect(try replica.manifest(Sample.content(2)) != nil)
            #expect(try replica.manifest(Sample.content(3)) == nil)
        }
    }

    @Test func `a copy taken while it runs opens with what was committed`() throws {
        let replica = try SQLiteReplica(path: path)
        for number in 0..<200 as Range<UInt64> {
            try replica.transaction { () throws in try replica.put(try Sample.synced(number, "n\(number)")) }
        }
        try replica.transaction { () throws in
            try replica.put(try Sample.synced(1000, "not committed"))
            try directory.copy("state/replica.db", to: "copy.db")
            try directory.copy("state/replica.db-wal", to: "copy.db-wal")
        }
        let copy = try SQLiteReplica(path: directory.file("copy.db"))
        #expect(try copy.counts() == (200, 0))
    }

    @Test func `a copy torn at any place opens with a prefix of what was committed`() throws {
        let replica = try SQLiteReplica(path: path)
        for number in 0..<20 as Range<UInt64> {
            try replica.transaction { () throws in try replica.put(try Sample.synced(number, "n\(number)")) }
        }
        let log = try directory.bytes("state/replica.db-wal")
        for part in 0..<10 {
            let name = "torn\(part).db"
            try directory.copy("state/replica.db", to: name)
            try directory.write(Array(log.prefix(log.count * part / 10 + 77)), to: name + "-wal")
            let copy = try SQLiteReplica(path: directory.file(name))
            let count = try UInt64(copy.counts().nodes)
            try copy.transaction { () throws in
                let found = try copy.nodes(after: nil, limit: 100)
                #expect(found == (0..<count).map(Sample.node))
            }
        }
    }
}
