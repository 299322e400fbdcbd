// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayStorage

/// A stored chunk, to which a holder may tell another one as a difference.
struct KnownChunk: Hashable, Sendable {
    let bytes: [UInt8]
    let signature: [UInt8]

    /// Nil of bytes that are no chunk.
    init?(_ bytes: [UInt8]) {
        guard let signature = ChunkSignature(of: bytes) else { return nil }
        self.bytes = bytes
        self.signature = signature.encoded
    }
}

/// Finds bases for chunks that the hub lacks: what stands in their place in the version before.
struct KnownChunkFinder: Sendable {
    let session: ShareSession
    /// Where stored chunks are read.
    let readers: LanePool

    /// By the index of the want; none where too much is wanted for a small change, or no version is known
    /// that was before.
    func find(
        for wants: [ChunkWant], of manifest: Manifest, since former: KnownManifest?
    ) async -> [UInt32: KnownChunk] {
        guard let former, !wants.isEmpty, wants.count <= ChunkWant.limitSignatures,
            let segments = await session.segments
        else { return [:] }
        let pairs = manifest.bases(of: wants.map { Int($0.index) }.sorted(), in: former.manifest)
        guard !pairs.isEmpty else { return [:] }
        let chunks = pairs.mapValues { former.manifest.chunks[$0].id }
        let locations = await session.locations(Array(Set(chunks.values)))
        return await readers.lane(0).run {
            var result: [UInt32: KnownChunk] = [:]
            for (index, chunk) in chunks {
                // What cannot be read is found by those who are to serve or to verify it.
                guard let location = locations[chunk],
                    let stored = try? segments.read(location, expecting: chunk),
                    let bytes = try? ChunkCodec.decode(stored), let base = KnownChunk(bytes)
                else { continue }
                result[UInt32(index)] = base
            }
            return result
        }
    }
}
