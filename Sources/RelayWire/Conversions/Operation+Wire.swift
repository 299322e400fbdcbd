// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore

extension RelayCore.Operation {
    init(wire: WireOperation) throws(WireError) {
        switch try required(wire.operation, "operation") {
        case .create(let create):
            self = .create(
                node: try NodeID(wireNode: create.hasNode ? create.node : nil, "create.node"),
                placement: try Placement(
                    wire: create.hasPlacement ? create.placement : nil, "create.placement"),
                payload: try Payload(wire: create.hasPayload ? create.payload : nil, "create.payload"),
                origin: create.hasOrigin ? try NodeID(wireNode: create.origin, "create.origin") : nil)
        case .place(let place):
            self = .place(
                node: try NodeID(wireNode: place.hasNode ? place.node : nil, "place.node"),
                placement: try Placement(wire: place.hasPlacement ? place.placement : nil, "place.placement"),
                basedOn: try Revision(wireBase: place.hasBasedOn ? place.basedOn : nil, "place.based_on"))
        case .change(let change):
            self = .change(
                node: try NodeID(wireNode: change.hasNode ? change.node : nil, "change.node"),
                payload: try Payload(wire: change.hasPayload ? change.payload : nil, "change.payload"),
                basedOn: try Revision(wire: change.hasBasedOn ? change.basedOn : nil, "change.based_on"))
        case .remove(let remove):
            self = .remove(
                node: try NodeID(wireNode: remove.hasNode ? remove.node : nil, "remove.node"),
                placementBasedOn: try Revision(
                    wire: remove.hasPlacementBasedOn ? remove.placementBasedOn : nil,
                    "remove.placement_based_on"),
                payloadBasedOn: try Revision(
                    wire: remove.hasPayloadBasedOn ? remove.payloadBasedOn : nil, "remove.payload_based_on"))
        }
    }

    var wire: WireOperation {
        var wire = WireOperation()
        switch self {
        case .create(let node, let placement, let payload, let origin):
            wire.create.node = node.wire
            wire.create.placement = placement.wire
            wire.create.payload = payload.wire
            if let origin { wire.create.origin = origin.wire }
        case .place(let node, let placement, let basedOn):
            wire.place.node = node.wire
            wire.place.placement = placement.wire
            wire.place.basedOn = basedOn.number
        case .change(let node, let payload, let basedOn):
            wire.change.node = node.wire
            wire.change.payload = payload.wire
            wire.change.basedOn = basedOn.number
        case .remove(let node, let placementBasedOn, let payloadBasedOn):
            wire.remove.node = node.wire
            wire.remove.placementBasedOn = placementBasedOn.number
            wire.remove.payloadBasedOn = payloadBasedOn.number
        }
        return wire
    }
}

extension OperationAnswer {
    init(wire: WireOperationAnswer) throws(WireError) {
        switch try required(wire.hasOutcome ? wire.outcome : nil, "answer.outcome") {
        case .accepted:
            self = .accepted(try Revision(wire: wire.hasRevision ? wire.revision : nil, "answer.revision"))
        case .stale: self = .stale
        case .nameTaken:
            self = .nameTaken(by: try NodeID(wireNode: wire.hasNode ? wire.node : nil, "answer.node"))
        case .parentGone: self = .parentGone
        case .nodeGone: self = .nodeGone
        case .cycle: self = .cycle
        case .notEmpty: self = .notEmpty
        case .refused: self = .refused(try PeerText.read(wire.hasText ? wire.text : nil, "answer.text"))
        case .unspecified, .UNRECOGNIZED: throw .protocolViolation("answer.outcome is unknown")
        }
    }

    var wire: WireOperationAnswer {
        var wire = WireOperationAnswer()
        switch self {
        case .accepted(let revision):
            wire.outcome = .accepted
            wire.revision = revision.number
        case .stale: wire.outcome = .stale
        case .nameTaken(let node):
            wire.outcome = .nameTaken
            wire.node = node.wire
        case .parentGone: wire.outcome = .parentGone
        case .nodeGone: wire.outcome = .nodeGone
        case .cycle: wire.outcome = .cycle
        case .notEmpty: wire.outcome = .notEmpty
        case .refused(let text):
            wire.outcome = .refused
            // As many answers as a batch may have fit into one frame.
            wire.text = PeerText.write(text, limitBytes: WireLimits.answerTextBytes)
        }
        return wire
    }
}

extension Batch {
    init(wire: WireBatch) throws(WireError) {
        try checkCount(wire.operations.count, Batch.limitOperations, "batch.operations")
        try checkCount(wire.offers.count, Batch.limitOperations, "batch.offers")
        self.init(
            id: try BatchID(wire: wire.hasID ? wire.id : nil, "batch.id"),
            operations: try wire.operations.map { value throws(WireError) in
                try RelayCore.Operation(wire: value)
            },
            offers: try wire.offers.map { value throws(WireError) in try ContentOffer(wire: value) })
    }

    var wire: WireBatch {
        var wire = WireBatch()
        wire.id = id.wire
        wire.operations = operations.map(\.wire)
        wire.offers = offers.map(\.wire)
        return wire
    }
}
