// SPDX-License-Identifier: Apache-2.0

@testable import RelayCore

/// Small values by name, so that the planner's table reads as a table.
enum Fixture {
    static let parent = NodeID(high: 1 << 63, low: 1)
    static let other = NodeID(high: 1 << 63, low: 2)

    static func name(_ text: String) -> EntryName { EntryName(text) ?? .relayDirectory }

    /// `a` in one directory, `b` in the same, `c` in another.
    static let a = Placement(parent: parent, name: name("a"))
    static let b = Placement(parent: parent, name: name("b"))
    static let c = Placement(parent: other, name: name("a"))

    /// A file with a content that is named by a number, a mode and a time.
    static func file(_ content: UInt64, mode: UInt32 = 0o644, at time: Int64 = 100) -> Payload {
        .file(
            FilePayload(
                content: ContentID(Bytes32(content, 0, 0, 0)), sizeBytes: content, mode: PermissionBits(mode),
                modified: Timestamp(seconds: time, nanoseconds: 5)))
    }

    static func directory(_ mode: UInt32 = 0o755) -> Payload { .directory(mode: PermissionBits(mode)) }
    static func link(_ target: String) -> Payload { .symlink(target: Array(target.utf8)) }

    /// A node's state on the hub; `placed` and `changed` are the revisions of its facets.
    static func state(
        _ placement: Placement, _ payload: Payload, placed: UInt64 = 1, changed: UInt64 = 1
    ) -> NodeState {
        NodeState(
            placement: placement, placementRevision: Revision(placed), payload: payload,
            payloadRevision: Revision(changed))
    }

    static func local(_ placement: Placement, _ payload: Payload) -> LocalView {
        LocalView(placement: placement, payload: payload)
    }
}
