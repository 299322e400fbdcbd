// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

/// Values to test with.
enum Sample {
    static func node(_ number: UInt64) -> NodeID { NodeID(high: 0xabcd, low: number) }
    static func content(_ number: UInt64) -> ContentID { ContentID(Bytes32(number, 2, 3, 4)) }
    static func chunk(_ number: UInt64) -> ChunkID { ChunkID(Bytes32(5, 6, 7, number)) }
    static func device(_ number: UInt64) -> DeviceID { DeviceID(Bytes32(8, 9, number, 10)) }
    static func chain(_ number: UInt64) -> ChainValue { ChainValue(Bytes32(number, 11, 12, 13)) }
    static func batch(_ number: UInt64) -> BatchID { BatchID(high: 14, low: number) }

    static func name(_ text: String) throws -> EntryName { try #require(EntryName(text)) }

    static func placement(_ text: String, in parent: NodeID = .root) throws -> Placement {
        Placement(parent: parent, name: try name(text))
    }

    static func file(_ number: UInt64) -> Payload {
        .file(
            FilePayload(
                content: content(number), sizeBytes: number &* 1000, mode: PermissionBits(0o644),
                modified: Timestamp(seconds: -5, nanoseconds: 999_999_999)))
    }

    static func state(_ text: String, in parent: NodeID = .root, _ payload: Payload, revision: UInt64) throws
        -> NodeState
    {
        NodeState(
            placement: try placement(text, in: parent), placementRevision: Revision(revision),
            payload: payload,
            payloadRevision: Revision(revision))
    }

    static func fingerprint(inode: UInt64, size: UInt64 = 10) -> Fingerprint {
        Fingerprint(
            identity: FileIdentity(
                device: .max - 3, inode: inode, born: Timestamp(seconds: 100, nanoseconds: 7)),
            sizeBytes: size, modified: Timestamp(seconds: 1_700_000_000, nanoseconds: 123_456_789),
            changed: Timestamp(seconds: 1_700_000_001, nanoseconds: 1), mode: 0o4755)
    }

    static func local(
        _ text: String, in parent: NodeID = .root, _ payload: Payload?, kind: NodeKind = .file, inode: UInt64,
        isTrusted: Bool = true
    ) throws -> LocalState {
        LocalState(
            placement: try placement(text, in: parent), kind: payload?.kind ?? kind, payload: payload,
            fingerprint: fingerprint(inode: inode), isTrusted: isTrusted)
    }

    /// A node that is the same in all three trees.
    static func synced(_ number: UInt64, _ text: String, in parent: NodeID = .root) throws -> ReplicaNode {
        let state = try state(text, in: parent, file(number), revision: number)
        return ReplicaNode(
            id: node(number), base: state, local: try local(text, in: parent, file(number), inode: number),
            remote: .live(state))
    }
}
