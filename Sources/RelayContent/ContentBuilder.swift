// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// Makes a content's description from its bytes as they come, in portions of any size.
///
/// The description depends on the bytes alone, not on the portions. Memory is bounded: two chunks of
/// `Chunker.maximumBytes`, and 40 bytes for each chunk found and for each former one.
package struct ContentBuilder {
    private var chunks: [ChunkReference] = []
    private var sizeBytes: UInt64 = 0
    /// Bytes of no chunk yet: too few to be sure of finding the next chunk's end, or of a small content.
    private var pending: [UInt8] = []
    private var former: FormerChunks?

    /// `former`: the chunk list of a content that may be much like this one. With it, what is the same takes
    /// about half the time. Chunks that were not cut by this method are followed where they come again, so
    /// what comes of such a list is good for comparing with it, and for nothing else.
    package init(after former: Manifest? = nil) { self.former = former.map { FormerChunks($0) } }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        sizeBytes += UInt64(bytes.count)
        guard pending.count + bytes.count >= Chunker.maximumBytes else {
            pending.append(contentsOf: bytes)
            return
        }
        let taken = cutPending(followedBy: bytes)
        var rest = UnsafeRawBufferPointer(rebasing: bytes[taken...])
        while rest.count >= Chunker.maximumBytes {
            var length = addFormerChunks(of: rest)
            if length == 0 { length = addNewChunks(of: rest) }
            rest = UnsafeRawBufferPointer(rebasing: rest[length...])
        }
        pending.append(contentsOf: rest)
    }

    /// Adds what the bytes begin with of the former chunks that are likely to come next; gives its length.
    private mutating func addFormerChunks(of bytes: UnsafeRawBufferPointer) -> Int {
        guard let likely = former?.next(within: bytes.count), !likely.isEmpty else { return 0 }
        let found = likely.prefix(SharedCutting.count(of: likely, in: bytes))
        chunks.append(contentsOf: found)
        former?.cameNext(found.count)
        if found.count < likely.count { former?.fellOutOfStep() }
        return found.reduce(0) { $0 + Int($1.sizeBytes) }
    }

    /// Adds some of the bytes' chunks; gives their length. The bytes are enough to find the end of the first.
    private mutating func addNewChunks(of bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count >= SharedCutting.leastBytes else { return addFirstChunk(of: bytes) }
        // What is new may end soon.
        let count = former?.isNear == true ? SharedCutting.leastBytes : bytes.count
        let found = SharedCutting.chunks(of: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        chunks.append(contentsOf: found)
        for chunk in found { former?.came(chunk) }
        return found.reduce(0) { $0 + Int($1.sizeBytes) }
    }

    package mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    /// The same as to append so many zeros, at a cost that does not depend on how many they are, but for the
    /// list of chunks.
    package mutating func append(zeros count: UInt64) {
        var rest = count
        if !pending.isEmpty {
            // With so many zeros behind it, each chunk that begins before them is cut.
            let first = Int(min(rest, UInt64(Chunker.maximumBytes)))
            append([UInt8](repeating: 0, count: first))
            rest -= UInt64(first)
        }
        if rest > 0 { addZeros(rest) }
    }

    /// Appends zeros where `pending` has nothing but zeros.
    private mutating func addZeros(_ count: UInt64) {
        sizeBytes += count
        let available = UInt64(pending.count) + count
        let (least, each) = (UInt64(Chunker.maximumBytes), UInt64(ZeroChunk.reference.sizeBytes))
        let whole = available < least ? 0 : (available - least) / each + 1
        chunks.append(contentsOf: repeatElement(ZeroChunk.reference, count: Int(whole)))
        former?.cameZeros(Int(whole))
        pending = [UInt8](repeating: 0, count: Int(available - whole * each))
    }

    /// The description of all bytes so far. The builder is empty again.
    package mutating func finish() -> ContentDescription {
        defer { self = ContentBuilder() }
        let rest = pending
        let isSmall = sizeBytes <= UInt64(ContentLimits.inlineBytes)
        if isSmall {
            if !rest.isEmpty { rest.withUnsafeBytes { add($0) } }
        } else {
            rest.withUnsafeBytes { rest in
                var start = 0
                while start < rest.count {
                    start += addFirstChunk(of: UnsafeRawBufferPointer(rebasing: rest[start...]))
                }
            }
        }
        let manifest = Manifest(chunks)
        return ContentDescription(
            content: Hashing.contentID(of: manifest), sizeBytes: sizeBytes, manifest: manifest,
            inline: isSmall && !rest.isEmpty ? ChunkCodec.encode(rest) : nil)
    }

    /// Cuts the chunks that begin in `pending`, with as many of `bytes` behind it as that takes. Gives the
    /// number of `bytes` that are in these chunks or in `pending` now.
    private mutating func cutPending(followedBy bytes: UnsafeRawBufferPointer) -> Int {
        let earlier = pending.count
        guard earlier > 0 else { return 0 }
        var joined = pending
        pending = []
        joined.append(contentsOf: bytes.prefix(Chunker.maximumBytes))
        let start = joined.withUnsafeBytes { joined -> Int in
            var start = 0
            while start < earlier, joined.count - start >= Chunker.maximumBytes {
                start += addFirstChunk(of: UnsafeRawBufferPointer(rebasing: joined[start...]))
            }
            return start
        }
        guard start < earlier else { return start - earlier }
        // Fewer than `maximumBytes` follow `start`, so that `joined` ends with the last of `bytes`.
        joined.removeFirst(start)
        pending = joined
        return bytes.count
    }

    /// Adds the first chunk of bytes that are enough to find its end, or the last; gives its length.
    private mutating func addFirstChunk(of bytes: UnsafeRawBufferPointer) -> Int {
        let length = Chunker.firstChunkLength(in: bytes, isEnd: true) ?? bytes.count
        add(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
        return length
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let chunk = ChunkReference(
            id: Hashing.chunkID(of: bytes), sizeBytes: UInt32(truncatingIfNeeded: bytes.count))
        chunks.append(chunk)
        former?.came(chunk)
    }
}
