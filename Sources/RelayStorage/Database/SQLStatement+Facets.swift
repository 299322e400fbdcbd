// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// The facets of nodes as columns. A content's id is kept as a number (its first eight bytes, which the
/// indexes are made of) and a blob (the others).
enum FacetColumns {
    static let placement = ["parent", "name"]
    static let payload = [
        "kind", "mode", "content_head", "content_tail", "size", "mtime", "mtime_ns", "target",
    ]
    static let state = placement + ["placement_revision"] + payload + ["payload_revision"]

    static func prefixed(_ prefix: String, _ columns: [String]) -> [String] { columns.map { prefix + $0 } }

    /// Their definitions for a STRICT table.
    static func definitions(_ prefix: String, _ columns: [String]) -> String {
        columns.map { column in
            let isBlob = ["parent", "name", "content_tail", "target"].contains(column)
            return "\(prefix)\(column) \(isBlob ? "BLOB" : "INTEGER")"
        }.joined(separator: ",\n    ")
    }
}

extension SQLStatement {
    func bindPlacement(_ first: Int32, _ placement: Placement?) {
        guard let placement else { return bindNulls(first, FacetColumns.placement.count) }
        bind(first, placement.parent.raw)
        bind(first + 1, placement.name.bytes)
    }

    func bindPayload(_ first: Int32, _ payload: Payload?) {
        guard let payload else { return bindNulls(first, 8) }
        bind(first, Int64(payload.kind.rawValue))
        switch payload {
        case .file(let file):
            bind(first + 1, Int64(file.mode.rawValue))
            bind(first + 2, bits: file.content.raw.first)
            bind(first + 3, tailOf: file.content.raw)
            bind(first + 4, bits: file.sizeBytes)
            bindTime(first + 5, file.modified)
            bindNull(first + 7)
        case .directory(let mode):
            bind(first + 1, Int64(mode.rawValue))
            bindNulls(first + 2, 6)
        case .symlink(let target):
            bindNulls(first + 1, 6)
            bind(first + 7, target)
        }
    }

    func bindState(_ first: Int32, _ state: NodeState?) {
        guard let state else { return bindNulls(first, FacetColumns.stateCount) }
        bindPlacement(first, state.placement)
        bind(first + 2, bits: state.placementRevision.number)
        bindPayload(first + 3, state.payload)
        bind(first + 11, bits: state.payloadRevision.number)
    }

    func bindTime(_ first: Int32, _ time: Timestamp) {
        bind(first, time.seconds)
        bind(first + 1, Int64(time.nanoseconds))
    }

    func bindNulls(_ first: Int32, _ count: Int) {
        for index in first..<first + Int32(count) { bindNull(index) }
    }

    func placement(_ first: Int32) throws(StateError) -> Placement {
        Placement(parent: NodeID(try bytes16(first)), name: try name(first + 1))
    }

    func payload(_ first: Int32) throws(StateError) -> Payload {
        switch NodeKind(rawValue: try number(first)) {
        case .file:
            .file(
                FilePayload(
                    content: ContentID(try bytes32(headAt: first + 2)), sizeBytes: bits(first + 4),
                    mode: try permissions(first + 1), modified: try time(first + 5)))
        case .directory: .directory(mode: try permissions(first + 1))
        case .symlink: .symlink(target: bytes(first + 7))
        case nil: throw damaged(first)
        }
    }

    func state(_ first: Int32) throws(StateError) -> NodeState {
        NodeState(
            placement: try placement(first), placementRevision: Revision(bits(first + 2)),
            payload: try payload(first + 3), payloadRevision: Revision(bits(first + 11)))
    }

    func time(_ first: Int32) throws(StateError) -> Timestamp {
        let nanoseconds = try number(first + 1, UInt32.self)
        guard nanoseconds < 1_000_000_000 else { throw damaged(first + 1) }
        return Timestamp(seconds: integer(first), nanoseconds: nanoseconds)
    }

    private func permissions(_ column: Int32) throws(StateError) -> PermissionBits {
        PermissionBits(UInt32(try number(column, UInt16.self)))
    }
}

extension FacetColumns {
    static let stateCount = state.count
}
