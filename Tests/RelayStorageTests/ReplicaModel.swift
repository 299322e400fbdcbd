// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

/// The simplest replica that is right, to compare others with.
struct ReplicaModel {
    private(set) var nodes: [NodeID: ReplicaNode] = [:]
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// Puts a random change of a random node into the model and the store.
    mutating func step(_ store: any ReplicaStore) throws {
        let id = Sample.node(UInt64.random(in: 0..<40, using: &generator))
        var node = nodes[id] ?? ReplicaNode(id: id)
        #expect(try store.node(id) == nodes[id])
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: node.base = try randomState()
        case 1: node.base = node.remote?.state
        case 2: node.remote = .live(try randomState())
        case 3: node.remote = try randomRemote()
        case 4: node.local = try randomLocal()
        case 5: try changeLocal(&node)
        case 6: try synchronise(&node)
        default: node = ReplicaNode(id: id)
        }
        try store.put(node)
        nodes[id] = node.isEmpty ? nil : node
    }

    /// Expects that the store answers everything as the model does.
    func expect(_ store: any ReplicaStore) throws {
        let ids = nodes.keys.sorted()
        #expect(try store.nodes(after: nil, limit: 1000) == ids)
        #expect(
            try store.unsynced(after: nil, limit: 1000) == ids.filter { nodes[$0]?.isInSync == false })
        for number in 0..<40 as Range<UInt64> {
            #expect(try store.node(Sample.node(number)) == nodes[Sample.node(number)])
        }
        for parent in Self.parents {
            let children = children(of: parent) { $0.local?.placement }
            #expect(try store.localChildren(of: parent) == children)
            var found: [NodeID: LocalState] = [:]
            try store.eachLocalChild(of: parent) { found[$0] = $1 }
            #expect(found.count == children.count)
            for (id, local) in found { #expect(nodes[id]?.local == local) }
            #expect(
                try store.remoteChildren(of: parent)
                    == self.children(of: parent) { $0.remote?.state?.placement })
            for text in Self.names {
                let placement = try Sample.placement(text, in: parent)
                let local = ids.filter { nodes[$0]?.local?.placement == placement }
                #expect(local.contains(try store.localChild(placement)))
                let remote = ids.filter { nodes[$0]?.remote?.state?.placement == placement }
                #expect(remote.contains(try store.remoteChild(placement)))
            }
        }
        for number in 0..<5 as Range<UInt64> {
            let content = Sample.content(number)
            let local = ids.filter {
                nodes[$0]?.local?.payload?.content == content && nodes[$0]?.local?.isTrusted == true
            }
            #expect(local.contains(try store.localNode(content: content)))
            let remote = ids.filter { nodes[$0]?.remote?.state?.payload.content == content }
            #expect(remote.contains(try store.remoteNode(content: content)))
            let identity = Sample.fingerprint(inode: number).identity
            #expect(
                try store.localNodes(identity: identity).sorted()
                    == ids.filter { nodes[$0]?.local?.fingerprint.identity == identity })
        }
    }

    private static let parents: [NodeID] = [.root, .limbo, Sample.node(1)]
    private static let names = ["a", "b", "c"]

    private func children(of parent: NodeID, by placement: (ReplicaNode) -> Placement?) -> [NodeID] {
        nodes.values.compactMap { node in placement(node).map { (node.id, $0) } }
            .filter { $0.1.parent == parent }
            .sorted { ($0.1.name, $0.0) < ($1.1.name, $1.0) }.map(\.0)
    }

    private mutating func pick<T>(_ values: [T]) throws -> T {
        try #require(values.randomElement(using: &generator))
    }

    private mutating func randomPlacement() throws -> Placement {
        try Sample.placement(try pick(Self.names), in: try pick(Self.parents))
    }

    private mutating func randomPayload() throws -> Payload {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: .directory(mode: PermissionBits(UInt32.random(in: 0...0o777, using: &generator)))
        case 1: .symlink(target: Array(try pick(Self.names).utf8))
        default: Sample.file(UInt64.random(in: 0..<5, using: &generator))
        }
    }

    private mutating func randomState() throws -> NodeState {
        NodeState(
            placement: try randomPlacement(),
            placementRevision: Revision(.random(in: 1...3, using: &generator)),
            payload: try randomPayload(), payloadRevision: Revision(.random(in: 1...3, using: &generator)))
    }

    private mutating func randomRemote() throws -> RemoteState? {
        Bool.random(using: &generator) ? nil : .removed(Revision(.random(in: 1...3, using: &generator)))
    }

    private mutating func randomLocal() throws -> LocalState? {
        guard UInt8.random(in: 0..<4, using: &generator) > 0 else { return nil }
        let payload = Bool.random(using: &generator) ? try randomPayload() : nil
        return LocalState(
            placement: try randomPlacement(), kind: payload?.kind ?? .file, payload: payload,
            fingerprint: Sample.fingerprint(inode: .random(in: 0..<5, using: &generator)),
            isTrusted: Bool.random(using: &generator))
    }

    private mutating func changeLocal(_ node: inout ReplicaNode) throws {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: node.local?.placement = try randomPlacement()
        case 1: node.local?.isTrusted.toggle()
        case 2: node.local?.fingerprint.sizeBytes = .random(in: 0...9, using: &generator)
        default: node.local?.payload = nil
        }
    }

    private mutating func synchronise(_ node: inout ReplicaNode) throws {
        let state = try randomState()
        node.base = state
        node.remote = .live(state)
        node.local = LocalState(
            placement: state.placement, kind: state.payload.kind, payload: state.payload,
            fingerprint: Sample.fingerprint(inode: .random(in: 0..<5, using: &generator)), isTrusted: true)
    }
}

extension [NodeID] {
    /// Whether the answer is one of these, or none when there is none.
    fileprivate func contains(_ answer: NodeID?) -> Bool {
        if let answer { contains { $0 == answer } } else { isEmpty }
    }
}
