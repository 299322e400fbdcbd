// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension Measuring {
    /// What is to be done with one node.
    func planner() throws {
        let states = (0..<1000).map { Nodes.state($0, revision: 1) }
        let later = (0..<1000).map { Nodes.state($0, revision: 2) }
        try measure("planner: in sync", .items(1000, "node")) {
            for state in states {
                let local = LocalView(placement: state.placement, payload: state.payload)
                keep(Planner.plan(base: state, local: local, remote: .live(state)))
            }
        }
        try measure("planner: changed elsewhere", .items(1000, "node")) {
            for (state, news) in zip(states, later) {
                let local = LocalView(placement: state.placement, payload: state.payload)
                keep(Planner.plan(base: state, local: local, remote: .live(news)))
            }
        }
    }
}

/// Nodes that are told by a number.
enum Nodes {
    static func id(_ number: Int) -> NodeID {
        NodeID(high: 1 << 63, low: UInt64(number) &* 0x9e37_79b9_7f4a_7c15)
    }

    static func content(_ number: Int) -> ContentID { ContentID(Bytes32(UInt64(number), 7, 7, 7)) }

    static func state(_ number: Int, revision: UInt64) -> NodeState {
        let name = EntryName("file-\(number).txt") ?? .relayIgnore
        let payload = FilePayload(
            content: content(number &+ Int(revision)), sizeBytes: 4096, mode: PermissionBits(0o644),
            modified: Timestamp(seconds: 1_700_000_000, nanoseconds: 5))
        return NodeState(
            placement: Placement(parent: .root, name: name), placementRevision: Revision(1),
            payload: .file(payload), payloadRevision: Revision(revision))
    }

    static func local(_ number: Int) -> LocalState {
        let state = state(number, revision: 1)
        let time = Timestamp(seconds: 1_700_000_000, nanoseconds: 5)
        let identity = FileIdentity(device: 1, inode: UInt64(number) + 100, born: time)
        return LocalState(
            placement: state.placement, kind: .file, payload: state.payload,
            fingerprint: Fingerprint(
                identity: identity, sizeBytes: 4096, modified: time, changed: time, mode: 0o100_644),
            isTrusted: true)
    }
}
