// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore

/// A file's bytes with everything that is said of them.
struct TestFile: Sendable {
    let bytes: [UInt8]
    let manifest: Manifest
    let content: ContentID
    private let offsets: [Int]

    init(_ bytes: [UInt8]) {
        var builder = ContentBuilder()
        builder.append(bytes)
        let description = builder.finish()
        self.bytes = bytes
        manifest = description.manifest
        content = Hashing.contentID(of: description.manifest)
        var offset = 0
        offsets = description.manifest.chunks.map { chunk in
            defer { offset += Int(chunk.sizeBytes) }
            return offset
        }
    }

    /// Bytes that do not compress, the same for each seed.
    static func random(_ count: Int, seed: UInt64) -> TestFile {
        var state = seed &+ 0x9e37_79b9_7f4a_7c15
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            withUnsafeBytes(of: state) { bytes.append(contentsOf: $0) }
        }
        return TestFile(Array(bytes.prefix(count)))
    }

    static func text(_ text: String) -> TestFile { TestFile(Array(text.utf8)) }

    var chunkCount: Int { manifest.chunks.count }

    var payload: Payload {
        .file(
            FilePayload(
                content: content, sizeBytes: UInt64(bytes.count), mode: PermissionBits(0o644),
                modified: Timestamp(seconds: 1_700_000_000, nanoseconds: 1)))
    }

    func encoded(_ index: Int) -> EncodedChunk {
        let size = Int(manifest.chunks[index].sizeBytes)
        return ChunkCodec.encode(Array(bytes[offsets[index]..<offsets[index] + size]))
    }

    func want(_ index: Int) -> ChunkWant {
        ChunkWant(index: UInt32(index), chunk: manifest.chunks[index], offset: UInt64(offsets[index]))
    }

    /// The offer that an agent makes of the content.
    var offer: ContentOffer {
        let isInline = chunkCount == 1 && bytes.count <= ContentLimits.inlineBytes
        return ContentOffer(
            content: content, manifest: chunkCount <= ContentLimits.inlineChunks ? manifest : nil,
            inline: isInline ? encoded(0) : nil)
    }

    func create(_ name: String) -> Operation {
        .create(
            node: NodeID(high: .random(in: .min ... .max), low: .random(in: .min ... .max)),
            placement: Placement(parent: .root, name: EntryName(name) ?? .relayDirectory),
            payload: payload, origin: nil)
    }
}
