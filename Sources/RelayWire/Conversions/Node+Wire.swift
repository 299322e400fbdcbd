// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore

extension Placement {
    init(wire: WirePlacement?, _ field: StaticString) throws(WireError) {
        let wire = try required(wire, field)
        guard let name = EntryName(try required(wire.hasName ? wire.name : nil, "placement.name")) else {
            throw .protocolViolation("placement.name is no entry name")
        }
        self.init(
            parent: try NodeID(wireNode: wire.hasParent ? wire.parent : nil, "placement.parent"), name: name)
    }

    var wire: WirePlacement {
        var wire = WirePlacement()
        wire.parent = parent.wire
        wire.name = Data(name.bytes)
        return wire
    }
}

extension PermissionBits {
    init(wire mode: UInt32?, _ field: StaticString) throws(WireError) {
        let mode = try required(mode, field)
        guard mode <= 0o777 else { throw .protocolViolation("\(field) has more than permission bits") }
        self.init(mode)
    }
}

extension Payload {
    init(wire: WirePayload?, _ field: StaticString) throws(WireError) {
        switch try required(try required(wire, field).payload, field) {
        case .file(let file):
            self = .file(try FilePayload(wire: file))
        case .directory(let directory):
            self = .directory(
                mode: try PermissionBits(wire: directory.hasMode ? directory.mode : nil, "directory.mode"))
        case .symlink(let link):
            let target = try required(link.hasTarget ? link.target : nil, "symlink.target")
            guard (1...WireLimits.linkTargetBytes).contains(target.count), !target.contains(0) else {
                throw .protocolViolation("symlink.target is no link target")
            }
            self = .symlink(target: Array(target))
        }
    }

    var wire: WirePayload {
        var wire = WirePayload()
        switch self {
        case .file(let file):
            wire.file = file.wire
        case .directory(let mode):
            wire.directory.mode = UInt32(mode.rawValue)
        case .symlink(let target):
            wire.symlink.target = Data(target)
        }
        return wire
    }
}

extension FilePayload {
    init(wire: WirePayload.File) throws(WireError) {
        let size = try required(wire.hasSizeBytes ? wire.sizeBytes : nil, "file.size_bytes")
        guard size <= WireLimits.contentBytes else { throw .protocolViolation("file.size_bytes is \(size)") }
        let seconds = try required(
            wire.hasModifiedSeconds ? wire.modifiedSeconds : nil, "file.modified_seconds")
        let nanoseconds = try required(
            wire.hasModifiedNanoseconds ? wire.modifiedNanoseconds : nil, "file.modified_nanoseconds")
        guard nanoseconds < 1_000_000_000 else {
            throw .protocolViolation("file.modified_nanoseconds is \(nanoseconds)")
        }
        self.init(
            content: try ContentID(wire: wire.hasContent ? wire.content : nil, "file.content"),
            sizeBytes: size,
            mode: try PermissionBits(wire: wire.hasMode ? wire.mode : nil, "file.mode"),
            modified: Timestamp(seconds: seconds, nanoseconds: nanoseconds))
    }

    var wire: WirePayload.File {
        var wire = WirePayload.File()
        wire.content = content.wire
        wire.sizeBytes = sizeBytes
        wire.mode = UInt32(mode.rawValue)
        wire.modifiedSeconds = modified.seconds
        wire.modifiedNanoseconds = modified.nanoseconds
        return wire
    }
}

extension NodeState {
    init(wire: WireNodeState) throws(WireError) {
        self.init(
            placement: try Placement(wire: wire.hasPlacement ? wire.placement : nil, "state.placement"),
            placementRevision: try Revision(
                wire: wire.hasPlacementRevision ? wire.placementRevision : nil, "state.placement_revision"),
            payload: try Payload(wire: wire.hasPayload ? wire.payload : nil, "state.payload"),
            payloadRevision: try Revision(
                wire: wire.hasPayloadRevision ? wire.payloadRevision : nil, "state.payload_revision"))
    }

    var wire: WireNodeState {
        var wire = WireNodeState()
        wire.placement = placement.wire
        wire.placementRevision = placementRevision.number
        wire.payload = payload.wire
        wire.payloadRevision = payloadRevision.number
        return wire
    }
}

extension NodeRecord {
    init(wire: WireNodeRecord) throws(WireError) {
        self.init(
            node: try NodeID(wireNode: wire.hasNode ? wire.node : nil, "record.node"),
            revision: try Revision(wire: wire.hasRevision ? wire.revision : nil, "record.revision"),
            state: wire.hasState ? try NodeState(wire: wire.state) : nil,
            device: try DeviceID(wire: wire.hasDevice ? wire.device : nil, "record.device"),
            origin: wire.hasOrigin ? try NodeID(wireNode: wire.origin, "record.origin") : nil)
    }

    var wire: WireNodeRecord {
        var wire = WireNodeRecord()
        wire.node = node.wire
        wire.revision = revision.number
        if let state { wire.state = state.wire }
        wire.device = device.wire
        if let origin { wire.origin = origin.wire }
        return wire
    }
}

extension Cursor {
    init(wire: WireCursor) throws(WireError) {
        self.init(
            epoch: try Epoch(wire: wire.hasEpoch ? wire.epoch : nil, "cursor.epoch"),
            revision: try Revision(wire: wire.hasRevision ? wire.revision : nil, "cursor.revision"),
            chain: try ChainValue(wire: wire.hasChain ? wire.chain : nil, "cursor.chain"))
    }

    var wire: WireCursor {
        var wire = WireCursor()
        wire.epoch = epoch.wire
        wire.revision = revision.number
        wire.chain = chain.wire
        return wire
    }
}
