// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// The answers to a batch as bytes: a version, the count, then for each a tag and what it carries. Numbers
/// are little-endian groups of seven bits; an accepted revision is kept as its distance from the last one.
enum AnswerCodec {
    private static let version: UInt8 = 1

    private enum Tag: UInt8 {
        case accepted = 1
        case stale, nameTaken, parentGone, nodeGone, cycle, notEmpty, refused
    }

    static func encode(_ answers: [OperationAnswer]) -> [UInt8] {
        var result: [UInt8] = [version]
        result.reserveCapacity(answers.count * 2 + 16)
        append(UInt64(answers.count), to: &result)
        var last: UInt64 = 0
        for answer in answers {
            switch answer {
            case .accepted(let revision):
                result.append(Tag.accepted.rawValue)
                append(revision.number &- last, to: &result)
                last = revision.number
            case .stale: result.append(Tag.stale.rawValue)
            case .nameTaken(let node):
                result.append(Tag.nameTaken.rawValue)
                result += node.bytes
            case .parentGone: result.append(Tag.parentGone.rawValue)
            case .nodeGone: result.append(Tag.nodeGone.rawValue)
            case .cycle: result.append(Tag.cycle.rawValue)
            case .notEmpty: result.append(Tag.notEmpty.rawValue)
            case .refused(let text):
                result.append(Tag.refused.rawValue)
                let bytes = Array(text.utf8)
                append(UInt64(bytes.count), to: &result)
                result += bytes
            }
        }
        return result
    }

    /// Nil for what `encode` never makes.
    static func decode(_ bytes: [UInt8]) -> [OperationAnswer]? {
        var rest = bytes[...]
        guard rest.popFirst() == version, let count = number(&rest), count <= UInt64(rest.count) else {
            return nil
        }
        var answers: [OperationAnswer] = []
        answers.reserveCapacity(Int(count))
        var last: UInt64 = 0
        for _ in 0..<count {
            guard let answer = answer(&rest, &last) else { return nil }
            answers.append(answer)
        }
        return rest.isEmpty ? answers : nil
    }

    private static func answer(_ rest: inout ArraySlice<UInt8>, _ last: inout UInt64) -> OperationAnswer? {
        guard let byte = rest.popFirst(), let tag = Tag(rawValue: byte) else { return nil }
        switch tag {
        case .accepted:
            guard let distance = number(&rest) else { return nil }
            last &+= distance
            return .accepted(Revision(last))
        case .stale: return .stale
        case .nameTaken:
            guard let node = NodeID(bytes: rest.prefix(16)) else { return nil }
            rest = rest.dropFirst(16)
            return .nameTaken(by: node)
        case .parentGone: return .parentGone
        case .nodeGone: return .nodeGone
        case .cycle: return .cycle
        case .notEmpty: return .notEmpty
        case .refused:
            guard let count = number(&rest), count <= UInt64(rest.count) else { return nil }
            let text = String(decoding: rest.prefix(Int(count)), as: UTF8.self)
            rest = rest.dropFirst(Int(count))
            return .refused(text)
        }
    }

    private static func append(_ value: UInt64, to result: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            result.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        result.append(UInt8(truncatingIfNeeded: value))
    }

    private static func number(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
