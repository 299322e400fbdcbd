// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

/// What every `ReplicaStore` does. Each rule is checked on an empty store, inside a transaction of its own.
enum ReplicaRule: String, CaseIterable, Sendable {
    case startsEmpty, givesBackWhatWasPut, forgetsEmptyNodes, rewritesFacets, findsLocalChildren
    case findsByIdentity, findsTrustedContent, findsRemoteChildren, listsUnsynced, pagesNodes, keepsCursor
    case keepsManifests, allowsTwoOfOneName, keepsUnanswered, keepsFormerStates, keepsLandmarks

    func check(_ store: any ReplicaStore) throws {
        switch self {
        case .startsEmpty: try startsEmpty(store)
        case .givesBackWhatWasPut: try givesBack(store)
        case .forgetsEmptyNodes: try forgets(store)
        case .rewritesFacets: try rewrites(store)
        case .findsLocalChildren: try localChildren(store)
        case .findsByIdentity: try identity(store)
        case .findsTrustedContent: try trusted(store)
        case .findsRemoteChildren: try remoteChildren(store)
        case .listsUnsynced: try unsynced(store)
        case .pagesNodes: try pages(store)
        case .keepsCursor: try cursor(store)
        case .keepsManifests: try manifests(store)
        case .allowsTwoOfOneName: try twoOfOneName(store)
        case .keepsUnanswered: try unanswered(store)
        case .keepsFormerStates: try formerStates(store)
        case .keepsLandmarks: try landmarks(store)
        }
    }

    private func startsEmpty(_ store: any ReplicaStore) throws {
        #expect(try store.node(Sample.node(1)) == nil)
        #expect(try store.node(.root) == nil)
        #expect(try store.localChildren(of: .root) == [])
        #expect(try store.remoteChildren(of: .root) == [])
        #expect(try store.unsynced(after: nil, limit: 10) == [])
        #expect(try store.nodes(after: nil, limit: 10) == [])
        #expect(store.cursor == nil)
        #expect(try store.manifest(Sample.content(1)) == nil)
    }

    private func givesBack(_ store: any ReplicaStore) throws {
        var nodes: [ReplicaNode] = [try Sample.synced(1, "a")]
        var other = try Sample.synced(2, "b")
        other.origin = Sample.node(1)
        other.base?.payload = .symlink(target: [])
        other.local?.payload = nil
        nodes.append(other)
        let link = Payload.symlink(target: [0xff, 0, 0x80])
        nodes.append(
            ReplicaNode(id: Sample.node(3), local: try Sample.local("c\u{301}", link, inode: .max)))
        let directory = try Sample.state("d", .directory(mode: PermissionBits(0o700)), revision: .max)
        nodes.append(ReplicaNode(id: Sample.node(4), base: directory))
        nodes.append(ReplicaNode(id: Sample.node(5), remote: .live(directory)))
        nodes.append(ReplicaNode(id: Sample.node(6), base: directory, remote: .removed(Revision(9))))
        nodes.append(ReplicaNode(id: .root, local: try Sample.local("r", in: .limbo, nil, inode: 0)))
        for node in nodes { try store.put(node) }
        for node in nodes { #expect(try store.node(node.id) == node) }
    }

    private func unanswered(_ store: any ReplicaStore) throws {
        #expect(store.unanswered == nil)
        let link = Payload.symlink(target: [0xff, 0, 0x80])
        let batch = UnansweredBatch(
            id: BatchID(high: 7, low: .max),
            operations: [
                .create(
                    node: Sample.node(1), placement: try Sample.placement("a"), payload: Sample.file(1),
                    origin: nil),
                .create(
                    node: Sample.node(2), placement: try Sample.placement("c\u{301}", in: Sample.node(1)),
                    payload: .directory(mode: PermissionBits(0o700)), origin: Sample.node(9)),
                .change(node: Sample.node(3), payload: link, basedOn: Revision(UInt64(Int64.max))),
                .place(node: Sample.node(1), placement: try Sample.placement("b"), basedOn: .ofThisBatch),
                .remove(node: .root, placementBasedOn: .zero, payloadBasedOn: Revision(300)),
            ])
        try store.setUnanswered(batch)
        #expect(store.unanswered == batch)
        try store.setUnanswered(nil)
        #expect(store.unanswered == nil)
        for hold in Hold.allCases.map(Optional.some) + [nil] {
            try store.setHold(hold)
            #expect(store.hold == hold)
        }
        #expect(store.ignoreRules == nil)
        for rules in [[], [0xff, 0x00, 0x0a], nil] as [[UInt8]?] {
            try store.setIgnoreRules(rules)
            #expect(store.ignoreRules == rules)
        }
    }

    private func landmarks(_ store: any ReplicaStore) throws {
        func cursor(_ revision: UInt64) -> Cursor {
            Cursor(
                epoch: Epoch(high: 1, low: 1), revision: Revision(revision),
                chain: ChainValue(Bytes32(revision, 1, 1, 1)))
        }
        #expect(try store.landmarks() == [])
        for revision in 1...1000 as ClosedRange<UInt64> { try store.setCursor(cursor(revision)) }
        let landmarks = try store.landmarks()
        #expect(landmarks.count < Landmark.limit)
        #expect(landmarks.map(\.revision) == landmarks.map(\.revision).sorted())
        // Many of late, some of long ago.
        for distance in [0, 1, 2, 10, 30, 100, 300, 600] as [UInt64] {
            let target = 1000 - distance
            let nearest = landmarks.last { $0.revision.number <= target }
            #expect(target - (nearest?.revision.number ?? 0) <= distance + 1, "\(distance)")
        }
        try store.setCursor(nil)
        try store.removeLandmarks(after: Revision(900))
        #expect(try store.landmarks() == landmarks.filter { $0.revision <= Revision(900) })
        #expect(try store.landmarks().last.map { $0.chain == cursor($0.revision.number).chain } == true)
        try store.noteRemoval(of: Sample.node(1), at: Revision(5))
        try store.noteRemoval(of: Sample.node(2), at: Revision(8))
        try store.noteRemoval(of: Sample.node(1), at: Revision(9))
        #expect(try store.removal(of: Sample.node(1)) == Revision(9))
        #expect(try store.removal(of: Sample.node(3)) == nil)
        try store.forgetRemovals(after: Revision(8))
        #expect(try store.removal(of: Sample.node(1)) == nil)
        #expect(try store.removal(of: Sample.node(2)) == Revision(8))
        for fork in [Revision(7), Revision.zero, nil] {
            try store.setFork(fork)
            #expect(store.fork == fork)
        }
    }

    private func formerStates(_ store: any ReplicaStore) throws {
        #expect(try store.nodesWithFormerStates() == [])
        let first = try Sample.state("a", Sample.file(1), revision: 1)
        let second = try Sample.state("a", .directory(mode: PermissionBits(0o700)), revision: 2)
        let third = try Sample.state("b", .symlink(target: [0xff]), revision: .max)
        try store.addFormerState(third, of: Sample.node(2))
        try store.addFormerState(first, of: Sample.node(1))
        try store.addFormerState(second, of: Sample.node(2))
        #expect(try store.nodesWithFormerStates() == [Sample.node(1), Sample.node(2)])
        #expect(try store.formerStates(of: Sample.node(2)) == [third, second])
        #expect(try store.nodesFormerly(at: Sample.placement("a")) == [Sample.node(1), Sample.node(2)])
        #expect(try store.nodesFormerly(at: Sample.placement("c")) == [])
        try store.removeFormerStates(of: Sample.node(2))
        #expect(try store.formerStates(of: Sample.node(2)) == [])
        #expect(try store.nodesWithFormerStates() == [Sample.node(1)])
    }

    private func forgets(_ store: any ReplicaStore) throws {
        var node = try Sample.synced(1, "a")
        try store.put(node)
        node.base = nil
        node.local = nil
        node.remote = .removed(Revision(7))
        try store.put(node)
        #expect(try store.node(node.id) == nil)
        #expect(try store.localChild(try Sample.placement("a")) == nil)
        #expect(try store.remoteChild(try Sample.placement("a")) == nil)
        #expect(try store.localNode(content: Sample.content(1)) == nil)
        #expect(try store.nodes(after: nil, limit: 10) == [])
        try store.put(ReplicaNode(id: Sample.node(2)))
        #expect(try store.nodes(after: nil, limit: 10) == [])
    }

    private func rewrites(_ store: any ReplicaStore) throws {
        var node = try Sample.synced(1, "a")
        try store.put(node)
        node.local?.placement = try Sample.placement("b", in: Sample.node(9))
        node.remote = .live(try Sample.state("c", Sample.file(5), revision: 6))
        try store.put(node)
        #expect(try store.node(node.id) == node)
        #expect(try store.localChild(try Sample.placement("a")) == nil)
        #expect(try store.localChild(try Sample.placement("b", in: Sample.node(9))) == node.id)
        #expect(try store.remoteChild(try Sample.placement("c")) == node.id)
        #expect(try store.remoteNode(content: Sample.content(1)) == nil)
        #expect(try store.remoteNode(content: Sample.content(5)) == node.id)
        node.local = nil
        try store.put(node)
        #expect(try store.node(node.id) == node)
        #expect(try store.localChild(try Sample.placement("b", in: Sample.node(9))) == nil)
        #expect(try store.localNodes(identity: Sample.fingerprint(inode: 1).identity) == [])
    }

    private func localChildren(_ store: any ReplicaStore) throws {
        let parent = Sample.node(100)
        for (number, text) in [(1, "b"), (2, "a"), (3, "aa"), (4, "B"), (5, "é"), (6, "e\u{301}")] {
            let state = try Sample.local(text, in: parent, nil, inode: UInt64(number))
            try store.put(ReplicaNode(id: Sample.node(UInt64(number)), local: state))
        }
        try store.put(ReplicaNode(id: Sample.node(7), local: try Sample.local("z", nil, inode: 7)))
        let order: [UInt64] = [4, 2, 3, 1, 6, 5]
        #expect(try store.localChildren(of: parent) == order.map(Sample.node))
        #expect(try store.localChildren(of: parent, limit: 2) == order.prefix(2).map(Sample.node))
        #expect(try store.localChildren(of: parent, limit: 0) == [])
        var states: [ReplicaNode] = []
        try store.eachLocalChild(of: parent) { states.append(ReplicaNode(id: $0, local: $1)) }
        #expect(states == (try order.map { try #require(try store.node(Sample.node($0))) }))
        #expect(try store.localChild(try Sample.placement("é", in: parent)) == Sample.node(5))
        #expect(try store.localChild(try Sample.placement("e\u{301}", in: parent)) == Sample.node(6))
        #expect(try store.localChild(try Sample.placement("a")) == nil)
    }

    private func identity(_ store: any ReplicaStore) throws {
        for number in 1...2 as ClosedRange<UInt64> {
            try store.put(
                ReplicaNode(id: Sample.node(number), local: try Sample.local("n\(number)", nil, inode: 50)))
        }
        let identity = Sample.fingerprint(inode: 50).identity
        #expect(Set(try store.localNodes(identity: identity)) == [Sample.node(1), Sample.node(2)])
        var later = identity
        later.born.nanoseconds += 1
        #expect(try store.localNodes(identity: later) == [])
        var elsewhere = identity
        elsewhere.device = 1
        #expect(try store.localNodes(identity: elsewhere) == [])
    }

    private func trusted(_ store: any ReplicaStore) throws {
        var node = ReplicaNode(
            id: Sample.node(1), local: try Sample.local("a", Sample.file(1), inode: 1, isTrusted: false))
        try store.put(node)
        #expect(try store.localNode(content: Sample.content(1)) == nil)
        node.local?.isTrusted = true
        try store.put(node)
        #expect(try store.localNode(content: Sample.content(1)) == node.id)
        let similar = ContentID(Bytes32(1, 2, 3, 5))
        #expect(try store.localNode(content: similar) == nil)
        node.local?.payload = nil
        try store.put(node)
        #expect(try store.localNode(content: Sample.content(1)) == nil)
    }

    private func remoteChildren(_ store: any ReplicaStore) throws {
        for (number, text) in [(1, "b"), (2, "a")] as [(UInt64, String)] {
            let state = try Sample.state(text, Sample.file(number), revision: number)
            try store.put(ReplicaNode(id: Sample.node(number), remote: .live(state)))
        }
        #expect(try store.remoteChildren(of: .root) == [Sample.node(2), Sample.node(1)])
        var node = try #require(try store.node(Sample.node(2)))
        node.base = node.remote?.state
        node.remote = .removed(Revision(3))
        try store.put(node)
        #expect(try store.remoteChildren(of: .root) == [Sample.node(1)])
        #expect(try store.remoteChild(try Sample.placement("a")) == nil)
        #expect(try store.remoteNode(content: Sample.content(2)) == nil)
        #expect(try store.node(node.id) == node)
    }

    private func unsynced(_ store: any ReplicaStore) throws {
        for number in 1...6 as ClosedRange<UInt64> {
            var node = try Sample.synced(number, "n\(number)")
            if number.isMultiple(of: 2) { node.base = nil }
            try store.put(node)
        }
        #expect(try store.unsynced(after: nil, limit: 2) == [2, 4].map(Sample.node))
        #expect(try store.unsynced(after: Sample.node(4), limit: 2) == [Sample.node(6)])
        #expect(try store.unsynced(after: nil, limit: 0) == [])
        try store.put(try Sample.synced(2, "n2"))
        #expect(try store.unsynced(after: nil, limit: 9) == [4, 6].map(Sample.node))
    }

    private func pages(_ store: any ReplicaStore) throws {
        for number in [3, 1, 2] as [UInt64] { try store.put(try Sample.synced(number, "n\(number)")) }
        try store.put(try Sample.synced(0, "root"))
        #expect(try store.nodes(after: nil, limit: 3) == [0, 1, 2].map(Sample.node))
        #expect(try store.nodes(after: Sample.node(2), limit: 3) == [Sample.node(3)])
    }

    private func cursor(_ store: any ReplicaStore) throws {
        let cursor = Cursor(
            epoch: Epoch(high: 1, low: 2), revision: Revision(1 << 40), chain: Sample.chain(3))
        try store.setCursor(cursor)
        #expect(store.cursor == cursor)
        try store.setCursor(nil)
        #expect(store.cursor == nil)
    }

    private func manifests(_ store: any ReplicaStore) throws {
        let manifest = Manifest(
            (0..<1000).map { ChunkReference(id: Sample.chunk($0), sizeBytes: UInt32($0)) })
        try store.putManifest(manifest, for: Sample.content(1))
        try store.putManifest(manifest, for: Sample.content(1))
        try store.putManifest(Manifest([]), for: Sample.content(2))
        #expect(try store.manifest(Sample.content(1)) == manifest)
        #expect(try store.manifest(Sample.content(2)) == Manifest([]))
        #expect(try store.manifest(Sample.content(3)) == nil)
    }

    private func twoOfOneName(_ store: any ReplicaStore) throws {
        for number in 1...2 as ClosedRange<UInt64> {
            let local = try Sample.local("same", in: .limbo, nil, inode: number)
            try store.put(ReplicaNode(id: Sample.node(number), local: local))
        }
        let found = try store.localChild(try Sample.placement("same", in: .limbo))
        #expect([Sample.node(1), Sample.node(2)].contains(found))
        #expect(Set(try store.localChildren(of: .limbo)) == [Sample.node(1), Sample.node(2)])
    }
}
