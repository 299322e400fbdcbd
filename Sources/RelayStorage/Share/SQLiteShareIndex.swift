// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// A hub's index of one share in an SQLite database of its own: nodes, versions, chunk lists, and where the
/// chunks lie.
///
/// Not Sendable: it has one owner. All calls are for use inside `transaction`, but for `epoch` and `head`;
/// what a transaction wrote is on disk when it returns.
package final class SQLiteShareIndex: ShareIndex {
    let database: StateDatabase
    private var statements = StatementCache<ShareQuery>()
    private var known: Known
    /// Latest records of directories: each operation beneath them asks for all of them up to the root.
    private var directories: [NodeID: NodeRecord] = [:]
    private static let limitDirectories = 4096
    /// What is found out of what nothing refers to, while that is being found out.
    var collecting = Collecting()

    /// What is kept in memory of the whole database.
    private struct Known {
        var head: Cursor
        var numbers: [DeviceID: Int64] = [:]
        var devices: [Int64: DeviceID] = [:]
    }

    /// How many answers are kept of each device.
    package static let keptAnswers = 32

    /// Opens the database at this path; makes it, with this epoch, if it is not there, unless it must be.
    ///
    /// Throws a `StateError` that says what to do for a damaged file, a file of another kind or of a newer
    /// version, and one that another program uses.
    package init(
        path: String, mustExist: Bool = false, makeEpoch: () -> Epoch
    ) throws(StateError) {
        database = try StateDatabase(path: path, schema: .shareIndex, mustExist: mustExist)
        let nowhere = Bytes16(high: 0, low: 0)
        known = Known(head: Cursor(epoch: Epoch(nowhere), revision: .zero, chain: .start))
        do {
            try transaction {
                known = try load(makeEpoch: makeEpoch)
                collecting.hasMarks = try findMarks()
            }
        } catch let error as StateError {
            throw error
        } catch {
            throw StateError("cannot open share index \(path): \(error)")
        }
    }

    /// Runs the body as one transaction, which is rolled back if the body throws. Transactions do not nest.
    package func transaction<T>(_ body: () throws -> T) throws -> T {
        let before = known
        do {
            return try database.transaction(body)
        } catch {
            if !database.isInTransaction {
                known = before
                directories = [:]
                // Marks that were taken back, or not taken off: the next look finds out.
                collecting = Collecting(hasMarks: true)
            }
            throw error
        }
    }

    /// Keeps nothing in memory that can be read again, for times of rest. Not inside a transaction.
    package func releaseMemory() {
        directories = [:]
        database.releaseMemory()
    }

    /// Lets the file go; every later call throws.
    package func close() {
        statements = StatementCache()
        database.close()
    }

    private func load(makeEpoch: () -> Epoch) throws(StateError) -> Known {
        let meta = try statement(.meta)
        meta.bind(1, text: Self.epochKey)
        var epoch = try meta.first { row throws(StateError) in Epoch(try row.bytes16(0)) }
        let newest = try statement(.head).first { row throws(StateError) in
            (Revision(row.bits(0)), ChainValue(try row.bytes32(1)))
        }
        if epoch == nil {
            guard newest == nil else { throw database.damaged("the epoch is missing") }
            let made = makeEpoch()
            try store(epoch: made)
            epoch = made
        }
        var result = Known(
            head: Cursor(
                epoch: epoch ?? Epoch(Bytes16(high: 0, low: 0)), revision: newest?.0 ?? .zero,
                chain: newest?.1 ?? .start))
        let devices = try statement(.devices).all { row throws(StateError) in
            (row.integer(0), DeviceID(try row.bytes32(1)))
        }
        for (number, device) in devices {
            result.numbers[device] = number
            result.devices[number] = device
        }
        return result
    }

    private static let epochKey = "epoch"
    private static let probeKey = "probe"

    /// Tries whether the index can be written, with something that is of no account.
    package func probe() throws(StateError) {
        let statement = try statement(.setMeta)
        statement.bind(1, text: Self.probeKey)
        statement.bind(2, [UInt8](repeating: UInt8(truncatingIfNeeded: head.revision.number), count: 1 << 16))
        try statement.run()
    }

    /// Throws when the index's files are not those any more that were opened.
    package func requireOwnFiles() throws(StateError) { try database.requireOwnFiles() }

    private func store(epoch: Epoch) throws(StateError) {
        let statement = try statement(.setMeta)
        statement.bind(1, text: Self.epochKey)
        statement.bind(2, epoch.bytes)
        try statement.run()
    }

    func statement(_ query: ShareQuery) throws(StateError) -> SQLStatement {
        try statements.statement(query, in: database) { $0.sql }
    }

    package var epoch: Epoch { known.head.epoch }
    package var head: Cursor { known.head }

    /// Begins a new line of history at the present head: for an index that was put back from a copy.
    package func renewEpoch(_ epoch: Epoch) throws(StateError) {
        try store(epoch: epoch)
        known.head.epoch = epoch
    }

    package func record(_ node: NodeID) throws(StateError) -> NodeRecord? {
        if let known = directories[node] { return known }
        let statement = try statement(.record)
        statement.bind(1, node.raw)
        let found = try statement.first { row throws(StateError) in try record(row) }
        if let found { remember(found) }
        return found
    }

    /// Keeps the record in memory if it is a directory's.
    private func remember(_ record: NodeRecord) {
        guard record.state?.payload.kind == .directory else {
            directories[record.node] = nil
            return
        }
        if directories.count >= Self.limitDirectories { directories = [:] }
        directories[record.node] = record
    }

    package func child(_ placement: Placement) throws(StateError) -> NodeID? {
        let statement = try statement(.child)
        statement.bindPlacement(1, placement)
        return try statement.first { row throws(StateError) in NodeID(try row.bytes16(0)) }
    }

    package func hasChildren(_ node: NodeID) throws(StateError) -> Bool {
        let statement = try statement(.hasChildren)
        statement.bind(1, node.raw)
        return try statement.first { _ in true } ?? false
    }

    /// The live nodes beneath this one directly with names after `after` (nil: from the first), at most
    /// `limit`, in the order of their names.
    package func children(of parent: NodeID, after: EntryName?, limit: Int) throws(StateError) -> [NodeID] {
        let statement = try statement(.children)
        statement.bind(1, parent.raw)
        statement.bind(2, after?.bytes ?? [])
        statement.bind(3, Int64(max(0, limit)))
        return try statement.all { row throws(StateError) in NodeID(try row.bytes16(0)) }
    }

    package func records(after revision: Revision, limit: Int) throws(StateError) -> [NodeRecord] {
        guard revision < known.head.revision else { return [] }
        let statement = try statement(.recordsAfter)
        statement.bind(1, bits: revision.number)
        statement.bind(2, Int64(max(0, limit)))
        return try statement.all { row throws(StateError) in try record(row) }
    }

    /// The versions of a node before this revision (nil: from the latest), at most `limit`, the newest first.
    package func versions(of node: NodeID, before: Revision?, limit: Int) throws(StateError) -> [NodeRecord] {
        let statement = try statement(.versions)
        statement.bind(1, node.raw)
        statement.bind(2, Int64(clamping: before?.number ?? .max))
        statement.bind(3, Int64(max(0, limit)))
        return try statement.all { row throws(StateError) in try record(row) }
    }

    private func record(_ row: SQLStatement) throws(StateError) -> NodeRecord {
        guard let device = known.devices[row.integer(2)] else { throw row.damaged(2) }
        return NodeRecord(
            node: NodeID(try row.bytes16(1)), revision: Revision(row.bits(0)),
            state: row.isNull(4) ? nil : try row.state(4), device: device,
            origin: row.isNull(3) ? nil : NodeID(try row.bytes16(3)))
    }

    package func chain(at revision: Revision) throws(StateError) -> ChainValue? {
        if revision == .zero { return .start }
        if revision == known.head.revision { return known.head.chain }
        guard revision < known.head.revision else { return nil }
        let statement = try statement(.chain)
        statement.bind(1, bits: revision.number)
        return try statement.first { row throws(StateError) in ChainValue(try row.bytes32(0)) }
    }

    package func append(_ record: NodeRecord, chain: ChainValue) throws(StateError) {
        guard record.revision == known.head.revision.next, record.revision.number <= UInt64(Int64.max) else {
            throw StateError(
                "cannot append revision \(record.revision) to share index \(database.path):"
                    + " it does not follow \(known.head.revision)")
        }
        let statement = try statement(.putVersion)
        statement.bind(1, bits: record.revision.number)
        statement.bind(2, record.node.raw)
        statement.bind(3, try number(record.device))
        if let origin = record.origin { statement.bind(4, origin.raw) } else { statement.bindNull(4) }
        statement.bind(5, chain.raw)
        statement.bindState(6, record.state)
        try statement.run()
        try putNode(record)
        if let content = record.state?.payload.content { try rescue(content) }
        known.head.revision = record.revision
        known.head.chain = chain
        remember(record)
    }

    private func putNode(_ record: NodeRecord) throws(StateError) {
        if let state = record.state, state.placementRevision != record.revision {
            // The node stays where it is: the index of placements need not be touched.
            let touch = try statement(.touchNode)
            touch.bind(1, bits: record.revision.number)
            touch.bind(2, record.node.raw)
            touch.bindPlacement(3, state.placement)
            try touch.run()
            if try database.changedRows() == 1 { return }
        }
        let put = try statement(.putNode)
        put.bind(1, record.node.raw)
        put.bind(2, bits: record.revision.number)
        put.bindPlacement(3, record.state?.placement)
        try put.run()
    }

    /// The device's short number in this database, a new one if it has none.
    func number(_ device: DeviceID) throws(StateError) -> Int64 {
        if let number = known.numbers[device] { return number }
        let number = (known.devices.keys.max() ?? 0) + 1
        let statement = try statement(.addDevice)
        statement.bind(1, number)
        statement.bind(2, device.raw)
        try statement.run()
        known.numbers[device] = number
        known.devices[number] = device
        return number
    }

    /// The device's short number; nil when the database does not know it.
    func knownNumber(_ device: DeviceID) -> Int64? { known.numbers[device] }

    /// The device of a short number; nil when there is none.
    func device(number: Int64) -> DeviceID? { known.devices[number] }
}
