// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// An agent's three trees of one share in an SQLite database of their own.
///
/// Not Sendable: it has one owner. The calls of `ReplicaStore` are for use inside `transaction`; outside they
/// throw a `StateError`, as does every call when the file fails. A power loss may undo the last transactions,
/// never a part of one: what is stored is observations, and they are made again.
package final class SQLiteReplica: ReplicaStore {
    private let database: StateDatabase
    private var statements = StatementCache<ReplicaQuery>()
    private var updates = [SQLStatement?](repeating: nil, count: ReplicaColumns.combinations)
    private var cache = RowCache()
    private var totals = Totals()

    /// What is kept in memory of the whole database.
    private struct Totals {
        var nodes = 0
        var unsynced = 0
        var cursor: Cursor?
        var unanswered: UnansweredBatch?
        var hold: Hold?
        var fork: Revision?
        var ignoreRules: [UInt8]?
        var landmarks = 0
    }

    /// Opens the database at this path; makes it, and the directories above it, if it is not there.
    ///
    /// Throws a `StateError` that says what to do for a damaged file, a file of another kind or of a newer
    /// version, and one that another program uses.
    package init(path: String) throws(StateError) {
        database = try StateDatabase(path: path, schema: .replica)
        try insideTransaction { () throws(StateError) in totals = try loadTotals() }
    }

    /// Runs the body as one transaction, which is rolled back if the body throws. Transactions do not nest.
    package func transaction<T>(_ body: () throws -> T) throws -> T {
        let before = totals
        do {
            return try database.transaction(body)
        } catch {
            if !database.isInTransaction {
                cache.removeAll()
                totals = before
            }
            throw error
        }
    }

    /// Lets the file go; every later call throws.
    package func close() {
        statements = StatementCache()
        updates = [SQLStatement?](repeating: nil, count: ReplicaColumns.combinations)
        database.close()
    }

    /// Keeps nothing in memory that can be read again, for times of rest. Not inside a transaction.
    package func releaseMemory() {
        cache = RowCache()
        database.releaseMemory()
    }

    /// How many nodes are known, and how many of them are not in sync. Also outside of transactions.
    package func counts() throws(StateError) -> (nodes: Int, unsynced: Int) {
        (totals.nodes, totals.unsynced)
    }

    private func loadTotals() throws(StateError) -> Totals {
        var result = Totals()
        let counts = try statement(.counts).first { row throws(StateError) in
            (Int(row.integer(0)), Int(row.integer(1)))
        }
        (result.nodes, result.unsynced) = counts ?? (0, 0)
        if let bytes = try meta(Self.cursorKey) {
            guard let cursor = Cursor(stored: bytes) else { throw database.damaged("a senseless cursor") }
            result.cursor = cursor
        }
        if let bytes = try meta(Self.unansweredKey) {
            guard let batch = UnansweredBatchCodec.decode(bytes) else {
                throw database.damaged("a senseless batch")
            }
            result.unanswered = batch
        }
        if let bytes = try meta(Self.holdKey) {
            guard bytes.count == 1, let hold = Hold(rawValue: bytes[0]) else {
                throw database.damaged("a senseless hold")
            }
            result.hold = hold
        }
        if let bytes = try meta(Self.forkKey) {
            guard let fork = Revision(stored: bytes) else { throw database.damaged("a senseless revision") }
            result.fork = fork
        }
        result.ignoreRules = try meta(Self.rulesKey)
        let landmarks = try statement(.countLandmarks).first { row throws(StateError) in Int(row.integer(0)) }
        result.landmarks = landmarks ?? 0
        return result
    }

    /// What is kept in memory of rows is not true any more.
    func forgetRows() { cache.removeAll() }

    func statement(_ query: ReplicaQuery) throws(StateError) -> SQLStatement {
        try statements.statement(query, in: database) { $0.sql }
    }

    /// Runs the body in the open transaction, or in one of its own.
    func insideTransaction<T>(_ body: () throws(StateError) -> T) throws(StateError) -> T {
        if database.isInTransaction { return try body() }
        do {
            return try transaction(body)
        } catch let error as StateError {
            throw error
        } catch {
            throw StateError("cannot use agent state \(database.path): \(error)")
        }
    }

    package func node(_ id: NodeID) throws(StateError) -> ReplicaNode? {
        try database.requireTransaction()
        if let known = cache.find(id) { return known }
        let statement = try statement(.node)
        statement.bind(1, id.raw)
        let row = try statement.first { row throws(StateError) in try row.replicaNode(id) }
        cache.store(row, for: id)
        return row
    }

    package func expectNew(_ id: NodeID) { cache.store(nil, for: id) }

    package func put(_ node: ReplicaNode) throws(StateError) {
        let old = try self.node(node.id)
        if node.isEmpty {
            guard let old else { return }
            try remove(old)
        } else if let old {
            let groups = ReplicaColumns.differing(old, node)
            guard !groups.isEmpty else { return }
            try update(node, groups)
            totals.unsynced += (node.isInSync ? 0 : 1) - (old.isInSync ? 0 : 1)
        } else {
            try insert(node)
            totals.nodes += 1
            totals.unsynced += node.isInSync ? 0 : 1
        }
        cache.store(node.isEmpty ? nil : node, for: node.id)
    }

    private func insert(_ node: ReplicaNode) throws(StateError) {
        let statement = try statement(.insert)
        statement.bind(statement.bind(node, .all, first: 1), node.id.raw)
        try statement.run()
    }

    private func update(_ node: ReplicaNode, _ groups: ReplicaColumns) throws(StateError) {
        let statement: SQLStatement
        if let ready = updates[groups.rawValue] {
            statement = ready
        } else {
            statement = try database.prepare(ReplicaQuery.update(groups))
            updates[groups.rawValue] = statement
        }
        statement.bind(statement.bind(node, groups, first: 1), node.id.raw)
        try statement.run()
    }

    private func remove(_ node: ReplicaNode) throws(StateError) {
        let statement = try statement(.delete)
        statement.bind(1, node.id.raw)
        try statement.run()
        totals.nodes -= 1
        totals.unsynced -= node.isInSync ? 0 : 1
    }

    package func unsynced(after: NodeID?, limit: Int) throws(StateError) -> [NodeID] {
        try page(.unsynced, after: after, limit: limit)
    }

    package func nodes(after: NodeID?, limit: Int) throws(StateError) -> [NodeID] {
        try page(.nodes, after: after, limit: limit)
    }

    private func page(_ query: ReplicaQuery, after: NodeID?, limit: Int) throws(StateError) -> [NodeID] {
        let statement = try statement(query)
        // The empty blob comes before every id.
        if let after { statement.bind(1, after.raw) } else { statement.bind(1, []) }
        statement.bind(2, Int64(max(0, limit)))
        return try identifiers(statement)
    }

    package func localChild(_ placement: Placement) throws(StateError) -> NodeID? {
        try child(.localChild, placement)
    }

    package func remoteChild(_ placement: Placement) throws(StateError) -> NodeID? {
        try child(.remoteChild, placement)
    }

    package func localChildren(of parent: NodeID, limit: Int) throws(StateError) -> [NodeID] {
        let statement = try statement(.localChildren)
        statement.bind(1, parent.raw)
        statement.bind(2, Int64(max(0, limit)))
        return try identifiers(statement)
    }

    package func eachLocalChild(
        of parent: NodeID, _ body: (NodeID, LocalState) throws(StateError) -> Void
    ) throws(StateError) {
        let statement = try statement(.localChildStates)
        statement.bind(1, parent.raw)
        defer { statement.reset() }
        while try statement.step() {
            try body(NodeID(try statement.bytes16(0)), try statement.localState(1))
        }
    }

    package func remoteChildren(of parent: NodeID) throws(StateError) -> [NodeID] {
        let statement = try statement(.remoteChildren)
        statement.bind(1, parent.raw)
        return try identifiers(statement)
    }

    package func localNodes(identity: FileIdentity) throws(StateError) -> [NodeID] {
        let statement = try statement(.localIdentity)
        statement.bindIdentity(1, identity)
        return try identifiers(statement)
    }

    package func localNode(content: ContentID) throws(StateError) -> NodeID? {
        try holder(.localContent, content)
    }

    package func remoteNode(content: ContentID) throws(StateError) -> NodeID? {
        try holder(.remoteContent, content)
    }

    private func child(_ query: ReplicaQuery, _ placement: Placement) throws(StateError) -> NodeID? {
        let statement = try statement(query)
        statement.bindPlacement(1, placement)
        return try statement.first { row throws(StateError) in NodeID(try row.bytes16(0)) }
    }

    private func holder(_ query: ReplicaQuery, _ content: ContentID) throws(StateError) -> NodeID? {
        let statement = try statement(query)
        statement.bind(1, bits: content.raw.first)
        statement.bind(2, tailOf: content.raw)
        return try statement.first { row throws(StateError) in NodeID(try row.bytes16(0)) }
    }

    func identifiers(_ statement: SQLStatement) throws(StateError) -> [NodeID] {
        try statement.all { row throws(StateError) in NodeID(try row.bytes16(0)) }
    }

    package var cursor: Cursor? { totals.cursor }

    package func setCursor(_ cursor: Cursor?) throws(StateError) {
        try setMeta(Self.cursorKey, cursor?.stored)
        totals.cursor = cursor
        guard let cursor else { return }
        try addLandmark(Landmark(revision: cursor.revision, chain: cursor.chain))
    }

    package func addLandmark(_ landmark: Landmark) throws(StateError) {
        try put(landmark)
        totals.landmarks += 1
        if totals.landmarks >= Landmark.limit { totals.landmarks = try thinLandmarks() }
    }

    package var fork: Revision? { totals.fork }

    package func setFork(_ fork: Revision?) throws(StateError) {
        try setMeta(Self.forkKey, fork?.stored)
        totals.fork = fork
    }

    package var unanswered: UnansweredBatch? { totals.unanswered }

    package func setUnanswered(_ batch: UnansweredBatch?) throws(StateError) {
        try setMeta(Self.unansweredKey, batch.map(UnansweredBatchCodec.encode))
        totals.unanswered = batch
    }

    package var hold: Hold? { totals.hold }

    package func setHold(_ hold: Hold?) throws(StateError) {
        try setMeta(Self.holdKey, hold.map { [$0.rawValue] })
        totals.hold = hold
    }

    package var ignoreRules: [UInt8]? { totals.ignoreRules }

    package func setIgnoreRules(_ bytes: [UInt8]?) throws(StateError) {
        try setMeta(Self.rulesKey, bytes)
        totals.ignoreRules = bytes
    }

    package var nodeCount: Int { totals.nodes }

    /// A value kept for the owner. Also outside of transactions.
    package func setting(_ key: String) throws(StateError) -> [UInt8]? {
        try insideTransaction { () throws(StateError) in try meta(Self.settingPrefix + key) }
    }

    /// Keeps a value for the owner; nil forgets it. Outside of transactions it is one of its own.
    package func setSetting(_ key: String, _ value: [UInt8]?) throws(StateError) {
        try insideTransaction { () throws(StateError) in try setMeta(Self.settingPrefix + key, value) }
    }

    private static let cursorKey = "cursor"
    private static let unansweredKey = "unanswered"
    private static let forkKey = "fork"
    private static let holdKey = "emptied"
    private static let rulesKey = "rules"
    private static let settingPrefix = "setting/"

    private func meta(_ key: String) throws(StateError) -> [UInt8]? {
        let statement = try statement(.meta)
        statement.bind(1, text: key)
        return try statement.first { row throws(StateError) in row.bytes(0) }
    }

    private func setMeta(_ key: String, _ value: [UInt8]?) throws(StateError) {
        let statement = try statement(value == nil ? .deleteMeta : .setMeta)
        statement.bind(1, text: key)
        if let value { statement.bind(2, value) }
        try statement.run()
    }

    package func manifest(_ content: ContentID) throws(StateError) -> Manifest? {
        let statement = try statement(.manifest)
        statement.bind(1, content.raw)
        return try statement.first { row throws(StateError) in try row.manifest(0) }
    }

    package func putManifest(_ manifest: Manifest, for content: ContentID) throws(StateError) {
        let statement = try statement(.putManifest)
        statement.bind(1, content.raw)
        statement.bind(2, manifest.encoded)
        try statement.run()
    }

    /// Forgets the chunk lists of contents that neither the local nor the remote tree holds; returns how
    /// many there were. For use inside a transaction.
    @discardableResult
    package func sweepManifests() throws(StateError) -> Int {
        var swept = 0
        var after: ContentID?
        while true {
            let statement = try statement(.manifests)
            if let after { statement.bind(1, after.raw) } else { statement.bind(1, []) }
            statement.bind(2, 1000)
            let contents = try statement.all { row throws(StateError) in ContentID(try row.bytes32(0)) }
            guard let last = contents.last else { return swept }
            for content in contents where try holder(.localMention, content) == nil {
                guard try holder(.remoteContent, content) == nil else { continue }
                let statement = try self.statement(.deleteManifest)
                statement.bind(1, content.raw)
                try statement.run()
                swept += 1
            }
            after = last
        }
    }
}
