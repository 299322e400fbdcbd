// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayStorage

extension Measuring {
    /// The agent's trees, the hub's index and its segments.
    func storage() throws {
        try replica()
        try shareIndex()
        let chunk = ChunkCodec.encode(Samples.noise(64 << 10))
        let chunks = (0..<256).map { (ChunkID(Bytes32(UInt64($0), 1, 1, 1)), chunk) }
        try measure("segments: store, with the sync at the end", .bytes(256 << 16)) {
            () throws -> (Scratch, SegmentStore) in
            let scratch = try Scratch()
            return (scratch, try SegmentStore(directory: scratch.path, limitBytes: nil))
        } work: { state in
            keep(try state.1.store(chunks))
        }
    }

    private func replica() throws {
        let count = 10_000
        let nodes = (0..<count).map { number in
            let state = Nodes.state(number, revision: 1)
            return ReplicaNode(
                id: Nodes.id(number), base: state, local: Nodes.local(number), remote: .live(state))
        }
        let open = { () throws -> (Scratch, SQLiteReplica) in
            let scratch = try Scratch()
            return (scratch, try SQLiteReplica(path: scratch.path + "/replica.sqlite"))
        }
        try measure("replica: write new rows", .items(count, "node"), prepare: open) { state in
            let replica = state.1
            try replica.transaction { for node in nodes { try replica.put(node) } }
        }
        let filled = try open()
        try filled.1.transaction { for node in nodes { try filled.1.put(node) } }
        try measure("replica: look up a place", .items(count, "place")) {
            try filled.1.transaction {
                for node in nodes {
                    if let place = node.local?.placement { keep(try filled.1.localChild(place)) }
                }
            }
        }
        try measure("replica: rewrite a row's content", .items(count, "node")) {
            try filled.1.transaction {
                for (number, node) in nodes.enumerated() {
                    var changed = node
                    changed.remote = .live(Nodes.state(number, revision: 3))
                    try filled.1.put(changed)
                    try filled.1.put(node)
                }
            }
        }
        try measure("replica: one change a transaction", .items(200, "transaction")) {
            for number in 0..<200 {
                try filled.1.transaction {
                    var changed = nodes[number]
                    changed.remote = .live(Nodes.state(number, revision: 4))
                    try filled.1.put(changed)
                }
            }
        }
    }

    static func makeIndex() throws -> (Scratch, SQLiteShareIndex) {
        let scratch = try Scratch()
        let index = try SQLiteShareIndex(path: scratch.path + "/index.sqlite") { Epoch(high: 1, low: 1) }
        return (scratch, index)
    }

    private func shareIndex() throws {
        let count = 10_000
        let device = DeviceID(Bytes32(1, 2, 3, 4))
        let records = (0..<count).map { number in
            let revision = UInt64(number) + 1
            var state = Nodes.state(number, revision: revision)
            state.placementRevision = Revision(revision)
            return NodeRecord(
                node: Nodes.id(number), revision: Revision(revision), state: state, device: device)
        }
        try measure("hub's index: append revisions", .items(count, "revision")) {
            try Self.makeIndex()
        } work: { state in
            let index = state.1
            try index.transaction {
                for record in records {
                    let chain = Hashing.chain(after: index.head.chain, record: record)
                    try index.append(record, chain: chain)
                }
            }
        }
    }
}
