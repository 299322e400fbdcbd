// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension Cursor {
    /// Epoch, revision and chain value, most significant bytes first.
    var stored: [UInt8] {
        var result = epoch.bytes + revision.stored
        chain.raw.append(to: &result)
        return result
    }

    /// Nil for what `stored` never is.
    init?(stored bytes: [UInt8]) {
        guard bytes.count == 56, let epoch = Epoch(bytes: bytes[..<16]),
            let revision = Revision(stored: bytes[16..<24]), let chain = ChainValue(bytes: bytes[24...])
        else { return nil }
        self.init(epoch: epoch, revision: revision, chain: chain)
    }
}

extension Revision {
    /// Most significant byte first.
    var stored: [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt64($0)) }
    }

    /// Nil for what `stored` never is.
    init?(stored bytes: some Collection<UInt8>) {
        guard bytes.count == 8 else { return nil }
        self.init(bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}

extension SQLStatement {
    /// A chunk list in its encoded form.
    func manifest(_ column: Int32) throws(StateError) -> Manifest {
        guard let bytes = blob(column) else { return Manifest([]) }
        let each = Manifest.encodedChunkBytes
        guard bytes.count.isMultiple(of: each) else { throw damaged(column) }
        var chunks: [ChunkReference] = []
        chunks.reserveCapacity(bytes.count / each)
        for offset in stride(from: 0, to: bytes.count, by: each) {
            let id = Bytes32(
                bytes.word(offset), bytes.word(offset + 8), bytes.word(offset + 16), bytes.word(offset + 24))
            let size: UInt32 = bytes.word(offset + 32, as: UInt32.self)
            chunks.append(ChunkReference(id: ChunkID(id), sizeBytes: size))
        }
        return Manifest(chunks)
    }
}
