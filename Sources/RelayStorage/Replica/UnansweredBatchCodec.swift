// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// An unanswered batch as bytes: a version, the batch's id, the count of operations, then for each a tag, the
/// node's id and what it carries. Numbers are `CompactNumbers`.
enum UnansweredBatchCodec {
    private static let version: UInt8 = 1

    private enum Tag: UInt8 {
        case create = 1
        case createCopy, place, change, remove
    }

    static func encode(_ batch: UnansweredBatch) -> [UInt8] {
        var result: [UInt8] = [version]
        result.reserveCapacity(32 + batch.operations.count * 128)
        result += batch.id.bytes
        result.append(number: UInt64(batch.operations.count))
        for operation in batch.operations { append(operation, to: &result) }
        return result
    }

    private static func append(_ operation: Operation, to result: inout [UInt8]) {
        func begin(_ tag: Tag) {
            result.append(tag.rawValue)
            result += operation.node.bytes
        }
        switch operation {
        case .create(_, let placement, let payload, let origin):
            begin(origin == nil ? .create : .createCopy)
            append(placement, to: &result)
            append(payload, to: &result)
            if let origin { result += origin.bytes }
        case .place(_, let placement, let basedOn):
            begin(.place)
            append(placement, to: &result)
            result.append(number: basedOn.number)
        case .change(_, let payload, let basedOn):
            begin(.change)
            append(payload, to: &result)
            result.append(number: basedOn.number)
        case .remove(_, let placementBasedOn, let payloadBasedOn):
            begin(.remove)
            result.append(number: placementBasedOn.number)
            result.append(number: payloadBasedOn.number)
        }
    }

    private static func append(_ placement: Placement, to result: inout [UInt8]) {
        result += placement.parent.bytes
        result.append(counted: placement.name.bytes)
    }

    private static func append(_ payload: Payload, to result: inout [UInt8]) {
        result.append(payload.kind.rawValue)
        switch payload {
        case .file(let file):
            file.content.raw.append(to: &result)
            result.append(number: file.sizeBytes)
            result.append(number: UInt64(file.mode.rawValue))
            result.append(number: UInt64(bitPattern: file.modified.seconds))
            result.append(number: UInt64(file.modified.nanoseconds))
        case .directory(let mode): result.append(number: UInt64(mode.rawValue))
        case .symlink(let target): result.append(counted: target)
        }
    }

    /// Nil for what `encode` never makes.
    static func decode(_ bytes: [UInt8]) -> UnansweredBatch? {
        var rest = bytes[...]
        guard rest.popFirst() == version, let id = rest.pop(16).flatMap({ BatchID(bytes: $0) }),
            let count = rest.popNumber(), count <= UInt64(rest.count)
        else { return nil }
        var operations: [Operation] = []
        operations.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let operation = operation(&rest) else { return nil }
            operations.append(operation)
        }
        return rest.isEmpty ? UnansweredBatch(id: id, operations: operations) : nil
    }

    private static func operation(_ rest: inout ArraySlice<UInt8>) -> Operation? {
        guard let tag = rest.popFirst().flatMap({ Tag(rawValue: $0) }), let node = node(&rest) else {
            return nil
        }
        switch tag {
        case .create, .createCopy:
            guard let placement = placement(&rest), let payload = payload(&rest) else { return nil }
            var origin: NodeID?
            if tag == .createCopy {
                origin = self.node(&rest)
                if origin == nil { return nil }
            }
            return .create(node: node, placement: placement, payload: payload, origin: origin)
        case .place:
            guard let placement = placement(&rest), let basedOn = rest.popNumber() else { return nil }
            return .place(node: node, placement: placement, basedOn: Revision(basedOn))
        case .change:
            guard let payload = payload(&rest), let basedOn = rest.popNumber() else { return nil }
            return .change(node: node, payload: payload, basedOn: Revision(basedOn))
        case .remove:
            guard let placement = rest.popNumber(), let payload = rest.popNumber() else { return nil }
            return .remove(
                node: node, placementBasedOn: Revision(placement), payloadBasedOn: Revision(payload))
        }
    }

    private static func node(_ rest: inout ArraySlice<UInt8>) -> NodeID? {
        rest.pop(16).flatMap { NodeID(bytes: $0) }
    }

    private static func placement(_ rest: inout ArraySlice<UInt8>) -> Placement? {
        guard let parent = node(&rest), let name = rest.popCounted().flatMap({ EntryName($0) }) else {
            return nil
        }
        return Placement(parent: parent, name: name)
    }

    private static func payload(_ rest: inout ArraySlice<UInt8>) -> Payload? {
        switch rest.popFirst().flatMap({ NodeKind(rawValue: $0) }) {
        case .file: file(&rest)
        case .directory: mode(&rest).map { .directory(mode: $0) }
        case .symlink: rest.popCounted().map { .symlink(target: Array($0)) }
        case nil: nil
        }
    }

    private static func file(_ rest: inout ArraySlice<UInt8>) -> Payload? {
        guard let content = rest.pop(32).flatMap({ ContentID(bytes: $0) }), let size = rest.popNumber(),
            let mode = mode(&rest), let seconds = rest.popNumber(),
            let nanoseconds = rest.popNumber().flatMap({ UInt32(exactly: $0) }), nanoseconds < 1_000_000_000
        else { return nil }
        let modified = Timestamp(seconds: Int64(bitPattern: seconds), nanoseconds: nanoseconds)
        return .file(FilePayload(content: content, sizeBytes: size, mode: mode, modified: modified))
    }

    private static func mode(_ rest: inout ArraySlice<UInt8>) -> PermissionBits? {
        rest.popNumber().flatMap { UInt32(exactly: $0) }.map { PermissionBits($0) }
    }
}
