// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import SwiftProtobuf

/// The value of a field that must be there. `field` names it for people.
func required<Value>(_ value: Value?, _ field: StaticString) throws(WireError) -> Value {
    guard let value else { throw .protocolViolation("\(field) is missing") }
    return value
}

/// Throws unless a list has at most `limit` elements.
func checkCount(_ count: Int, _ limit: Int, _ field: StaticString) throws(WireError) {
    guard count <= limit else {
        throw .protocolViolation("\(field) has \(count) elements, the limit is \(limit)")
    }
}

/// Decodes a protobuf message of any type.
func decodeMessage<Decoded: Message>(_ type: Decoded.Type, _ bytes: [UInt8]) throws(WireError) -> Decoded {
    do {
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = 16
        return try Decoded(serializedBytes: bytes, options: options)
    } catch {
        throw .protocolViolation("malformed message: \(error)")
    }
}

/// Encodes a protobuf message of any type.
func encodeMessage(_ message: some Message) throws(WireError) -> [UInt8] {
    do {
        return try message.serializedBytes()
    } catch {
        throw .protocolViolation("cannot encode message: \(error)")
    }
}

extension Identifier16 {
    /// Reads a field that must be there and have sixteen bytes.
    init(wire data: Data?, _ field: StaticString) throws(WireError) {
        let data = try required(data, field)
        guard data.count == 16 else {
            throw .protocolViolation("\(field) has \(data.count) bytes instead of 16")
        }
        let words = data.withUnsafeBytes { bytes in (bytes.word(0), bytes.word(8)) }
        self.init(high: words.0, low: words.1)
    }

    var wire: Data {
        let words = (raw.high.bigEndian, raw.low.bigEndian)
        return withUnsafeBytes(of: words) { Data($0) }
    }
}

extension Identifier32 {
    /// Reads a field that must be there and have thirty-two bytes.
    init(wire data: Data?, _ field: StaticString) throws(WireError) {
        let data = try required(data, field)
        guard data.count == 32 else {
            throw .protocolViolation("\(field) has \(data.count) bytes instead of 32")
        }
        self.init(data.withUnsafeBytes { Bytes32(at: 0, in: $0) })
    }

    var wire: Data {
        let words = (
            raw.first.bigEndian, raw.second.bigEndian, raw.third.bigEndian, raw.fourth.bigEndian
        )
        return withUnsafeBytes(of: words) { Data($0) }
    }
}

extension NodeID {
    /// Reads a node's id that another machine may name: not limbo, which never leaves an agent.
    init(wireNode data: Data?, _ field: StaticString) throws(WireError) {
        try self.init(wire: data, field)
        guard self != .limbo else { throw .protocolViolation("\(field) is reserved") }
    }
}

extension Revision {
    init(wire number: UInt64?, _ field: StaticString) throws(WireError) {
        let number = try required(number, field)
        guard number <= WireLimits.revision else { throw .protocolViolation("\(field) is out of range") }
        self.init(number)
    }

    /// Reads what a placement is based on, which may be what the same batch did with the node before.
    init(wireBase number: UInt64?, _ field: StaticString) throws(WireError) {
        if number == Self.ofThisBatch.number {
            self = .ofThisBatch
        } else {
            try self.init(wire: number, field)
        }
    }
}
