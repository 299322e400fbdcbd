// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// A chunk as its difference to another one, the base, which only the receiver has.
///
/// The form: parts, each beginning with a number of seven bits a byte, the lowest first, that is twice the
/// count of the part's bytes. An even number is followed by the bytes; an odd one by another such number, the
/// place of the bytes in the base. The whole travels compressed like a chunk, if that pays.
package enum ChunkDelta {
    /// The difference, if it saves at least an eighth of what the chunk itself would take; else nil, as for a
    /// signature that is none.
    package static func make(_ chunk: EncodedChunk, signature: [UInt8]) -> EncodedChunk? {
        guard let signature = ChunkSignature(encoded: signature), let bytes = try? ChunkCodec.decode(chunk)
        else { return nil }
        let script = script(bytes, signature)
        guard script.count <= ContentLimits.chunkBytes else { return nil }
        let encoded = ChunkCodec.encode(script)
        return encoded.bytes.count <= ChunkCodec.largestFrame(of: chunk.bytes.count) ? encoded : nil
    }

    /// What answers a want: the chunk, or its difference to what the want tells of.
    package static func answer(to want: ChunkWant, request: UInt32, _ chunk: EncodedChunk) -> BulkMessage {
        guard !want.signature.isEmpty, let delta = make(chunk, signature: want.signature) else {
            return .chunk(request: request, index: want.index, chunk)
        }
        return .chunkDelta(request: request, index: want.index, delta)
    }

    /// The chunk, of exactly this size and with this name. Throws `malformed`, and `mismatch` if the name is
    /// another: then the base was another one as well.
    package static func apply(
        _ delta: EncodedChunk, to base: [UInt8], verifying chunk: ChunkReference
    ) throws(ContentError) -> [UInt8] {
        let size = Int(chunk.sizeBytes)
        guard size <= ContentLimits.chunkBytes else { throw .malformed("a chunk of \(size) bytes") }
        var script = try ChunkCodec.decode(delta)[...]
        var result: [UInt8] = []
        result.reserveCapacity(size)
        while !script.isEmpty {
            let head = try number(&script)
            let count = head >> 1
            guard count > 0, count <= size - result.count else {
                throw .malformed("a difference has a part of \(count) bytes")
            }
            if head & 1 == 0 {
                guard count <= script.count else { throw .malformed("a difference ends early") }
                result += script.prefix(count)
                script = script.dropFirst(count)
            } else {
                let start = try number(&script)
                guard start <= base.count, count <= base.count - start else {
                    throw .malformed("a difference names bytes beyond its base")
                }
                result += base[start..<start + count]
            }
        }
        guard result.count == size else { throw .malformed("a difference makes \(result.count) bytes") }
        let found = Hashing.chunkID(of: result)
        guard found == chunk.id else { throw .mismatch("chunk \(chunk.id) has the bytes of chunk \(found)") }
        return result
    }

    private static func number(_ script: inout ArraySlice<UInt8>) throws(ContentError) -> Int {
        var value = 0
        for shift in stride(from: 0, to: 28, by: 7) {
            guard let byte = script.popFirst() else { throw .malformed("a difference ends early") }
            value |= Int(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw .malformed("a difference has a number that is too large")
    }

    private static func script(_ bytes: [UInt8], _ signature: ChunkSignature) -> [UInt8] {
        var writer = Writer(bytes: bytes)
        let size = ChunkSignature.blockBytes
        let whole = signature.blocks.prefix(signature.sizeBytes / size)
        var places: [UInt32: [Int]] = [:]
        // Most windows are told apart from all blocks by one bit.
        var filter = [Bool](repeating: false, count: 1 << 16)
        for (index, block) in whole.enumerated() {
            places[block.checksum, default: []].append(index)
            filter[Int(block.checksum >> 16 ^ block.checksum & 0xffff)] = true
        }
        bytes.withUnsafeBytes { bytes in
            var start = 0
            var checksum: RollingChecksum?
            while !whole.isEmpty, start + size <= bytes.count {
                let window = UnsafeRawBufferPointer(rebasing: bytes[start..<start + size])
                let rolling = checksum ?? RollingChecksum(window)
                let value = rolling.value
                if filter[Int(value >> 16 ^ value & 0xffff)], let found = places[value],
                    let index = match(window, among: found, whole, expected: writer.next / size)
                {
                    writer.copy(from: index * size, count: size, at: start)
                    start += size
                    checksum = nil
                    continue
                }
                var next = rolling
                if start + size < bytes.count { next.roll(out: bytes[start], in: bytes[start + size]) }
                checksum = next
                start += 1
            }
            let rest = signature.sizeBytes % size
            guard rest > 0, let last = signature.blocks.last, bytes.count - writer.end >= rest else { return }
            let tail = UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - rest)...])
            if ChunkSignature.block(tail) == last {
                writer.copy(from: signature.sizeBytes - rest, count: rest, at: bytes.count - rest)
            }
        }
        return writer.finish()
    }

    /// Of equal blocks the one that goes on where the last copy ended, so that both are one.
    private static func match(
        _ window: UnsafeRawBufferPointer, among found: [Int], _ blocks: ArraySlice<ChunkSignature.Block>,
        expected: Int
    ) -> Int? {
        let digest = Hashing.sha256(window).first
        let equal = found.filter { blocks[$0].digest == digest }
        return equal.contains(expected) ? expected : equal.first
    }

    private struct Writer {
        let bytes: [UInt8]
        /// Up to where the chunk is told.
        private(set) var end = 0
        private var script: [UInt8] = []
        /// The copy that may go on.
        private var copied: Range<Int>?

        init(bytes: [UInt8]) { self.bytes = bytes }

        /// Where in the base the last copy ended.
        var next: Int { copied?.upperBound ?? -1 }

        mutating func copy(from start: Int, count: Int, at place: Int) {
            if let copied, place == end, copied.upperBound == start {
                self.copied = copied.lowerBound..<start + count
            } else {
                closeCopy()
                tell(upTo: place)
                copied = start..<start + count
            }
            end = place + count
        }

        mutating func finish() -> [UInt8] {
            closeCopy()
            tell(upTo: bytes.count)
            return script
        }

        private mutating func closeCopy() {
            guard let copied else { return }
            append(copied.count << 1 | 1)
            append(copied.lowerBound)
            self.copied = nil
        }

        private mutating func tell(upTo place: Int) {
            guard place > end else { return }
            append((place - end) << 1)
            script += bytes[end..<place]
            end = place
        }

        private mutating func append(_ number: Int) {
            var rest = number
            while rest >= 0x80 {
                script.append(UInt8(truncatingIfNeeded: rest & 0x7f | 0x80))
                rest >>= 7
            }
            script.append(UInt8(truncatingIfNeeded: rest))
        }
    }
}
