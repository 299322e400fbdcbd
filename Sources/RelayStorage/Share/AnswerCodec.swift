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
        result.append(number: UInt64(answers.count))
        var last: UInt64 = 0
        for answer in answers {
            switch answer {
            case .accepted(let revision):
                result.append(Tag.accepted.rawValue)
                result.append(number: revision.number &- last)
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
                result.append(counted: text.utf8)
            }
        }
        return result
    }

    /// Nil for what `encode` never makes.
    static func decode(_ bytes: [UInt8]) -> [OperationAnswer]? {
        var rest = bytes[...]
        guard rest.popFirst() == version, let count = rest.popNumber(), count <= UInt64(rest.count) else {
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
            guard let distance = rest.popNumber() else { return nil }
            last &+= distance
            return .accepted(Revision(last))
        case .stale: return .stale
        case .nameTaken:
            guard let node = rest.pop(16).flatMap({ NodeID(bytes: $0) }) else { return nil }
            return .nameTaken(by: node)
        case .parentGone: return .parentGone
        case .nodeGone: return .nodeGone
        case .cycle: return .cycle
        case .notEmpty: return .notEmpty
        case .refused:
            guard let text = rest.popCounted() else { return nil }
            return .refused(String(decoding: text, as: UTF8.self))
        }
    }
}
